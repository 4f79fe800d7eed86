"""The forms in which data sets are published, each read into a table."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

import pandas as pd

from hmlm.datasets.table import read_csv
from hmlm.types import DataError


def read_tsv(content: bytes) -> pd.DataFrame:
    """A tab-separated file."""
    return read_csv(io.BytesIO(content), separator="\t")


def read_rdata(content: bytes) -> pd.DataFrame:
    """The one data frame of an .RData file.

    Raises:
        DataError: the optional package ``rdata`` is missing, or the file holds no single data frame.
    """
    tables = [value for value in _objects(content).values() if isinstance(value, pd.DataFrame)]
    if len(tables) != 1:
        raise DataError(f"the .RData file holds {len(tables)} data frames, expected one")
    return tables[0]


def _objects(content: bytes) -> Mapping[str, object]:
    try:
        import rdata
    except ImportError as error:
        raise DataError(
            "this data set is published as .RData, which needs the package 'rdata': pip install rdata"
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rdata.conversion.convert(rdata.parser.parse_data(content))
