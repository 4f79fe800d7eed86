"""The user's table: what is accepted, which columns are needed, which rows are complete."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from hmlm.formula.notice import notice
from hmlm.types import DataError

_LARGEST = 1e100  # absolute value: squares and products of larger numbers overflow


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
    if table.columns.nlevels > 1:
        raise DataError(
            f"the table's columns have {table.columns.nlevels} levels, such as {table.columns[0]!r}; "
            "give each one name: data.columns = ['_'.join(map(str, c)) for c in data.columns]"
        )
    if table.columns.has_duplicates:
        twice = sorted(map(str, table.columns[table.columns.duplicated()].unique()))
        raise DataError(
            f"the table has several columns named {', '.join(map(repr, twice))}; rename or drop them"
        )
    if not len(table):
        raise DataError("the table has no rows")
    if table.index.has_duplicates:
        raise DataError(
            f"the table's index repeats '{table.index[table.index.duplicated()][0]}', as it does after "
            "pd.concat; call data.reset_index(drop=True) first"
        )
    return table


def _to_frame(data) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    if hasattr(data, "to_pandas"):
        return _to_frame(data.to_pandas())
    if not isinstance(data, Mapping):
        raise DataError(f"data must be a pandas DataFrame or a mapping of columns, not {type(data).__name__}")
    check_same_index({str(name): column for name, column in data.items()})
    _check_columns(data)
    return pd.DataFrame(dict(data))


def check_same_index(columns: Mapping[str, object]) -> None:
    """Refuse pandas columns whose rows are labelled differently: pandas would shuffle them or add gaps.

    Raises:
        DataError: naming two columns.
    """
    labelled = {n: c.index for n, c in columns.items() if isinstance(c, pd.Series | pd.DataFrame)}
    for name, index in labelled.items():
        first, reference = next(iter(labelled.items()))
        if not index.equals(reference):
            raise DataError(
                f"'{first}' and '{name}' have different indexes, so that their rows may not belong together; "
                "take both from one DataFrame, or pass arrays: .to_numpy()"
            )


def _check_columns(data: Mapping) -> None:
    shapes = {name: np.shape(column) for name, column in data.items()}
    for name, shape in shapes.items():
        if len(shape) != 1:
            raise DataError(f"column '{name}' has the shape {shape}; a column holds one value per row")
    if len(set(shapes.values())) > 1:
        lengths = ", ".join(f"{name} {shape[0]}" for name, shape in shapes.items())
        raise DataError(f"columns differ in length: {lengths}")


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
    notice(
        f"dropped {_count(incomplete.sum())} of {_count(len(table))} rows with missing values; "
        f"by column: {counts}"
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
            f"`{use.where}`: column '{use.column}' has {_count(n_infinite)} infinite "
            f"value{'s' * (n_infinite > 1)}; set to NaN to leave such rows out, or correct them"
        )
    if np.abs(values).max(initial=0.0) > _LARGEST:
        raise DataError(
            f"`{use.where}`: column '{use.column}' reaches {np.abs(values).max():.3g}, too large to compute "
            "with; divide it by a constant"
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
    examples = ", ".join(list(dict.fromkeys(repr(str(value)) for value in column.dropna()[:50]))[:3])
    return (
        f"`{use.where}`: column '{use.column}' is not numeric (type {column.dtype}; values such as "
        f"{examples}); {_how_to_convert(use.column, column)}"
    )


def _how_to_convert(name: str, column: pd.Series) -> str:
    """The line of pandas that makes numbers of dates, durations and text."""
    here = f"data[{name!r}]"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return f"count time from its start, in days: ({here} - {here}.min()).dt.days"
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return f"turn it into days: {here} / pd.Timedelta(days=1)"
    if isinstance(column.dtype, pd.PeriodDtype):
        return f"count time from its start: {here}.astype('int64') - {here}.min().ordinal"
    if pd.api.types.is_complex_dtype(column.dtype):
        return f"take its real part or size: np.real({here}), np.abs({here})"
    return "convert it with pd.to_numeric, or code its levels as 0 and 1"
