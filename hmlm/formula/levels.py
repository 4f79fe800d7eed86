"""Levels of a categorical column: their text, their order and the code of each row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from hmlm.formula.table import Use, series
from hmlm.types import DataError


@dataclass(frozen=True)
class Levels:
    """The levels of one column, as text in R's order.

    Attributes:
        use: the column and where the formula uses it.
        texts: the levels, distinct.
    """

    use: Use
    texts: tuple[str, ...]

    def codes(self, table: pd.DataFrame) -> np.ndarray:
        """(N,) int32 position of each row's level.

        Raises:
            DataError: a level that is not among those known.
        """
        codes = pd.Index(self.texts).get_indexer(level_texts(series(table, self.use.column)))
        if (codes < 0).any():
            raise DataError(self._unknown(level_texts(series(table, self.use.column))[codes < 0]))
        return codes.astype(np.int32)

    def _unknown(self, texts: np.ndarray) -> str:
        new = ", ".join(map(repr, dict.fromkeys(texts[:5])))
        known = ", ".join(map(repr, self.texts[:20])) + (", …" if len(self.texts) > 20 else "")
        return f"`{self.use.where}`: column '{self.use.column}' has the unknown level {new}; known: {known}"


def observed_levels(table: pd.DataFrame, use: Use) -> Levels:
    """The levels that occur in a column.

    A pandas Categorical keeps its order, numbers and false/true sort as such, text as in R's locales: without
    regard to case first, lower case before upper case where nothing else differs.

    Raises:
        DataError: two levels of the same text.
    """
    _check_values(table, use)
    uniques = series(table, use.column).drop_duplicates()
    texts = [level_text(value) for value in _in_order(uniques)]
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise DataError(
            f"`{use.where}`: column '{use.column}' has several levels that read {twice!r}, numbers and text "
            "mixed perhaps; convert the column to one type"
        )
    return Levels(use, tuple(texts))


def check_plain(table: pd.DataFrame, use: Use) -> None:
    """Refuse a column of Python objects, dates or decimals say, that would silently become categories.

    Raises:
        DataError: naming the column and the types it holds.
    """
    column = series(table, use.column)
    if not pd.api.types.is_object_dtype(column.dtype):
        return
    kinds = sorted({type(value).__name__ for value in column})
    if not all(isinstance(value, str | bool | np.bool_) for value in column):
        raise DataError(
            f"`{use.where}`: column '{use.column}' holds Python objects of type {', '.join(kinds)}; "
            "convert it: pd.to_numeric for numbers, pd.to_datetime for dates, .astype(str) for categories"
        )


def _check_values(table: pd.DataFrame, use: Use) -> None:
    column = series(table, use.column)
    if pd.api.types.is_float_dtype(column.dtype) and np.isinf(column.to_numpy(dtype=float)).any():
        raise DataError(
            f"`{use.where}`: column '{use.column}' has infinite values, which are no levels; set them to NaN "
            "to leave those rows out, or correct them"
        )
    if pd.api.types.is_object_dtype(column.dtype):
        unhashable = next((v for v in column if isinstance(v, list | dict | set | np.ndarray)), None)
        if unhashable is not None:
            raise DataError(
                f"`{use.where}`: column '{use.column}' holds a {type(unhashable).__name__}, "
                f"{unhashable!r}; a level is a text, a number or a date"
            )


def _in_order(uniques: pd.Series) -> list:
    if isinstance(uniques.dtype, pd.CategoricalDtype):
        return list(uniques.cat.categories[np.sort(uniques.cat.codes)])
    if pd.api.types.is_object_dtype(uniques.dtype) or pd.api.types.is_string_dtype(uniques.dtype):
        return sorted(uniques, key=lambda value: _collation(level_text(value)))
    return list(uniques.sort_values())


def _collation(text: str) -> tuple[str, str]:
    return text.casefold(), text.swapcase()


def level_text(value) -> str:
    """R's text of one value: ``1.0`` is ``"1"``, ``True`` is ``"TRUE"``, a date has no midnight."""
    if isinstance(value, bool | np.bool_):
        return str(value).upper()
    if isinstance(value, float | np.floating):
        return f"{value:.15g}"
    if isinstance(value, datetime) and value == datetime.combine(
        value.date(), datetime.min.time(), value.tzinfo
    ):
        return str(value.date())
    return str(value)


def level_texts(column: pd.Series) -> np.ndarray:
    """(N,) object array of the text of each row's level."""
    codes, uniques = pd.factorize(column)
    texts = np.array([level_text(value) for value in uniques], dtype=object)
    return texts[codes]
