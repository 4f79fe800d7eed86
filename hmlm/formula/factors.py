"""Grouping factors: one column, or several whose levels are joined by ``_`` as in brms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hmlm.formula.levels import Levels, level_texts, observed_levels
from hmlm.formula.table import Use, series
from hmlm.types import DataError, Factor

SEPARATOR = "_"
RESERVED = ("chain", "draw", "term")  # the other dimensions of the draws of group effects


def build_factor(table: pd.DataFrame, columns: tuple[str, ...], where: str) -> Factor:
    """The factor that ``columns`` make together; only combinations that occur are levels.

    Args:
        table: N complete rows.
        columns: one column, or those of an interaction.
        where: the group-level term, for messages.

    Raises:
        DataError: a single level, or two combinations of one text.
    """
    check_factor_name(":".join(columns), where)
    levels = [observed_levels(table, Use(column, where)) for column in columns]
    shape = tuple(len(level.texts) for level in levels)
    cells = np.ravel_multi_index([level.codes(table) for level in levels], shape)
    observed, index = np.unique(cells, return_inverse=True)
    texts = tuple(_joined(levels, codes) for codes in zip(*np.unravel_index(observed, shape), strict=True))
    _check_levels(texts, columns, where)
    return Factor(":".join(columns), columns, texts, index.astype(np.int32))


def check_factor_name(name: str, where: str) -> None:
    """Refuse a factor whose name could not be a dimension of its effects' draws, in memory or in a file.

    Raises:
        DataError: naming it.
    """
    if name in RESERVED:
        raise DataError(
            f"`{where}`: a grouping factor cannot be called '{name}', since the draws have dimensions "
            f"{', '.join(RESERVED)}; rename the column, for example to '{name}_id'"
        )
    if "/" in name:
        raise DataError(
            f"`{where}`: a grouping factor cannot have '/' in its name, which netCDF files do not allow; "
            f"rename the column, for example to '{name.replace('/', '_')}'"
        )


def _joined(levels: list[Levels], codes: tuple[int, ...]) -> str:
    return SEPARATOR.join(level.texts[code] for level, code in zip(levels, codes, strict=True))


def group_levels(table: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """(N,) object array of each row's level as :attr:`Factor.levels` writes it, known or new."""
    joined, *others = [level_texts(series(table, column)) for column in columns]
    for texts in others:
        joined = joined + SEPARATOR + texts
    return joined


def check_several(texts: tuple[str, ...], name: str, where: str) -> None:
    """Refuse a factor with a single level.

    Raises:
        DataError: naming it.
    """
    if len(texts) == 1:
        raise DataError(
            f"`{where}`: '{name}' has the single level {texts[0]!r}; a standard deviation between groups "
            "needs two or more: leave the term out"
        )


def _check_levels(texts: tuple[str, ...], columns: tuple[str, ...], where: str) -> None:
    check_several(texts, ":".join(columns), where)
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise DataError(
            f"`{where}`: different combinations of {', '.join(columns)} both read {twice!r} when joined by "
            f"{SEPARATOR!r}; rename the levels that contain {SEPARATOR!r}"
        )
