"""Reading tables the way R's users write them, and what identifies a table's content."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from hmlm.types import DataError


def read_csv(source: str | Path | io.BytesIO, separator: str = ",") -> pd.DataFrame:
    """A delimited text file; ``NA`` and empty cells are missing, any other text is kept as it is."""
    return pd.read_csv(source, sep=separator, na_values=["NA", ""], keep_default_na=False)


def csv_bytes(table: pd.DataFrame) -> bytes:
    """The table as the CSV file that :func:`read_csv` reads back unchanged."""
    return table.to_csv(index=False, na_rep="NA", lineterminator="\n").encode()


def file_sha256(content: bytes) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def content_sha256(table: pd.DataFrame) -> str:
    """SHA-256 of a table's content, numbers to six digits, whatever file format it came in."""
    text = table.to_csv(index=False, na_rep="NA", float_format="%.6g", lineterminator="\n")
    return file_sha256(text.encode())


def with_levels(table: pd.DataFrame, levels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The table with these columns as unordered categoricals, the reference level first.

    Raises:
        DataError: a column holds a value that is not one of its levels.
    """
    return table.assign(**{column: _categorical(table[column], order) for column, order in levels.items()})


def _categorical(values: pd.Series, order: Sequence[str]) -> pd.Categorical:
    unknown = sorted(set(values.dropna().astype(str)) - set(order))
    if unknown:
        raise DataError(f"column '{values.name}' has the level '{unknown[0]}'; known are {', '.join(order)}")
    return pd.Categorical(values, categories=list(order))
