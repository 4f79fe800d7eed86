"""The user's table: what is accepted, which columns are needed, which rows are complete."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from hmlm.types import DataError, DataWarning


@dataclass(frozen=True)
class Use:
    """A column that a formula needs, and the piece of the formula that needs it, for messages."""

    column: str
    where: str


def as_table(data) -> pd.DataFrame:
    """``data`` as a DataFrame with distinct columns and rows.

    Args:
        data: DataFrame, mapping of column -> array, or anything with ``to_pandas``.

    Raises:
        DataError: another type, no rows, columns of unequal length, duplicate columns or index.
    """
    table = _to_frame(data)
    if table.columns.has_duplicates:
        twice = sorted(map(str, table.columns[table.columns.duplicated()].unique()))
        raise DataError(
            f"the table has several columns named {', '.join(map(repr, twice))}; rename or drop them"
        )
    if not len(table):
        raise DataError("the table has no rows")
    if table.index.has_duplicates:
        raise DataError(
            f"the table's index repeats {table.index[table.index.duplicated()][0]!r}, as it does after "
            "pd.concat; call data.reset_index(drop=True) first"
        )
    return table


def _to_frame(data) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    if hasattr(data, "to_pandas"):
        return data.to_pandas()
    if not isinstance(data, Mapping):
        raise DataError(f"data must be a pandas DataFrame or a mapping of columns, not {type(data).__name__}")
    try:
        return pd.DataFrame(dict(data))
    except ValueError as error:
        raise DataError(f"the columns do not make a table: {error}") from error


def select(table: pd.DataFrame, uses: Iterable[Use]) -> pd.DataFrame:
    """The columns that ``uses`` name, each once; columns of Python objects get a proper type.

    Raises:
        DataError: naming a missing column, where it is used and the nearest column there is.
    """
    columns: dict[str, None] = {}
    for use in uses:
        if use.column not in table.columns:
            raise DataError(_missing(use, [c for c in table.columns if isinstance(c, str)]))
        columns[use.column] = None
    return pd.DataFrame(table[list(columns)]).infer_objects()


def _missing(use: Use, columns: list[str]) -> str:
    close = difflib.get_close_matches(use.column, columns, n=1) or _same_letters(use.column, columns)
    shown = ", ".join(columns[:20]) + (", …" if len(columns) > 20 else "")
    hint = f"did you mean '{close[0]}'?" if close else f"the table has {shown or 'no columns'}"
    return f"`{use.where}`: no column '{use.column}'; {hint}"


def _same_letters(name: str, columns: list[str]) -> list[str]:
    return [column for column in columns if column.casefold() == name.casefold()]


def complete_rows(table: pd.DataFrame) -> np.ndarray:
    """Positions of the rows without missing values; warns of the others.

    Returns:
        (N,) positions in ``table``, in order.

    Raises:
        DataError: if no row is complete.
    """
    missing = table.isna()
    incomplete = missing.to_numpy().any(axis=1)
    if not incomplete.any():
        return np.arange(len(table))
    counts = ", ".join(f"{column} {_count(n)}" for column, n in missing.sum().items() if n)
    if incomplete.all():
        raise DataError(f"no row of {_count(len(table))} is complete; missing values by column: {counts}")
    warnings.warn(
        f"dropped {_count(incomplete.sum())} of {_count(len(table))} rows with missing values; "
        f"by column: {counts}",
        DataWarning,
        stacklevel=3,
    )
    return np.flatnonzero(~incomplete)


def require_complete(table: pd.DataFrame) -> None:
    """Refuse missing values, of new data that must keep its rows.

    Raises:
        DataError: with the counts by column.
    """
    counts = table.isna().sum()
    if counts.any():
        listed = ", ".join(f"{column} {_count(n)}" for column, n in counts.items() if n)
        raise DataError(f"new data has missing values ({listed}); drop or fill those rows first")


def _count(n: int) -> str:
    return f"{n:,}".replace(",", " ")


def numbers(table: pd.DataFrame, use: Use) -> np.ndarray:
    """(N,) float64 values of a numeric or true/false column.

    Raises:
        DataError: text, dates and the like, or infinite values.
    """
    column = series(table, use.column)
    if not is_numeric(column) and not is_boolean(column):
        raise DataError(_not_numeric(use, column))
    values = column.to_numpy(dtype=np.float64)
    n_infinite = int(np.isinf(values).sum())
    if n_infinite:
        raise DataError(
            f"`{use.where}`: column '{use.column}' has {_count(n_infinite)} infinite values; set them to NaN "
            "to leave those rows out, or correct them"
        )
    return values


def series(table: pd.DataFrame, column: str) -> pd.Series:
    """One column of a table whose columns have distinct names."""
    return cast(pd.Series, table[column])


def is_boolean(column: pd.Series) -> bool:
    """Whether a column holds true and false."""
    return pd.api.types.is_bool_dtype(column.dtype) and not isinstance(column.dtype, pd.CategoricalDtype)


def is_numeric(column: pd.Series) -> bool:
    """Whether a column holds real numbers."""
    return pd.api.types.is_any_real_numeric_dtype(column.dtype)


def is_text(column: pd.Series) -> bool:
    """Whether a column holds categories or text, numbers kept as text among them."""
    return (
        isinstance(column.dtype, pd.CategoricalDtype)
        or pd.api.types.is_object_dtype(column.dtype)
        or (pd.api.types.is_string_dtype(column.dtype))
    )


def _not_numeric(use: Use, column: pd.Series) -> str:
    examples = ", ".join(repr(str(value)) for value in column.dropna().unique()[:3])
    return (
        f"`{use.where}`: column '{use.column}' is not numeric (type {column.dtype}; values such as "
        f"{examples}); convert it with pd.to_numeric, or code its levels as 0 and 1"
    )
