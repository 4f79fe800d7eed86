"""The table of a fit as arrays that a file can hold, and back: numbers as they are, the rest as codes.

Whatever is neither a number, true or false nor text (categories, dates, durations) comes back as a pandas
Categorical of R's texts of its levels in their order: that is all that a design reads of it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.formula.levels import level_texts, observed_levels
from hmlm.formula.table import Use, is_boolean, is_numeric, series

NUMBER, TEXT, CATEGORY = "number", "text", "category"
STORED_AS = {"e": np.float32, "g": np.float64}  # kinds of floats that netCDF lacks


@dataclass(frozen=True)
class Column:
    """How one column is stored.

    Attributes:
        name: the column's.
        variable: that of the array in the file: a column's own name may be none that HDF5 takes.
        kind: ``"number"`` (true and false too), ``"text"`` or ``"category"``.
        levels: the texts that codes stand for; in their order for a category.
    """

    name: str
    variable: str
    kind: str
    levels: tuple[str, ...] = ()


def pack(table: pd.DataFrame) -> tuple[xr.Dataset, tuple[Column, ...]]:
    """N complete rows as a dataset of (N,) arrays, dims ``(row,)``, and what it takes to undo it."""
    packed = [_pack_column(table, str(name), f"column_{i}") for i, name in enumerate(table.columns)]
    variables = {
        column.variable: ("row", values, {"name": column.name, "kind": column.kind})
        for column, values in packed
    }
    return xr.Dataset(variables), tuple(column for column, _ in packed)


def unpack(dataset: xr.Dataset, columns: tuple[Column, ...]) -> pd.DataFrame:
    """Undo :func:`pack`."""
    return pd.DataFrame(
        {column.name: _unpacked(dataset[column.variable].values, column) for column in columns}
    )


def table_hash(table: pd.DataFrame) -> str:
    """Hash of names, types, levels and values of all columns."""
    digest = hashlib.sha256()
    dataset, columns = pack(table)
    for column in columns:
        values = dataset[column.variable].values
        digest.update(json.dumps([*astuple(column), values.dtype.name]).encode())
        digest.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _pack_column(table: pd.DataFrame, name: str, variable: str) -> tuple[Column, np.ndarray]:
    column = series(table, name)
    if is_boolean(column):
        return Column(name, variable, NUMBER), column.to_numpy(dtype=bool)
    if is_numeric(column):
        return Column(name, variable, NUMBER), _native(column)
    if pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
        codes, levels = pd.factorize(level_texts(column))
        return Column(name, variable, TEXT, tuple(map(str, levels))), codes.astype(np.int32)
    levels = observed_levels(table, Use(name, name))
    return Column(name, variable, CATEGORY, levels.texts), levels.codes(table)


def _native(column: pd.Series) -> np.ndarray:
    """The numbers in the machine's byte order, nullable types without their mask."""
    dtype = np.dtype(getattr(column.dtype, "numpy_dtype", column.dtype))
    return column.to_numpy(dtype=STORED_AS.get(dtype.char, dtype.newbyteorder("=")))


def _unpacked(values: np.ndarray, column: Column) -> pd.Series:
    if column.kind == NUMBER:
        return pd.Series(values)
    if column.kind == TEXT:
        return pd.Series(np.array(column.levels, dtype=object)[values], dtype=object)
    return pd.Series(pd.Categorical.from_codes(values, list(column.levels)))
