"""brms's ``cosy(time, gr)`` and ``unstr(time, gr)``: residuals of a series have one correlation matrix.

Under ``unstr`` its rows and columns are the occasions, the distinct values of ``time`` in their order; under
``cosy`` all residuals of a series are alike, and ``time`` only says in which order they are told of.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from hmlm.formula.levels import Levels, observed_levels
from hmlm.formula.names import check_distinct, coefficient_name
from hmlm.formula.series import in_order, series_columns
from hmlm.formula.table import Use, as_table, require_complete, select
from hmlm.types import DataError, Dependence, Repeated, ResidualSeries

MOST_TIMES = 60


def build_repeated(table: pd.DataFrame, series: ResidualSeries, where: str) -> Repeated:
    """Which series and place in it each of N complete rows has.

    Raises:
        DataError: two rows of one series at one time, a single occasion, or more than ``MOST_TIMES``.
    """
    times = _times(table, series, where)
    index, place = _places(table, series, times, where)
    names = () if times is None else tuple(coefficient_name(text) for text in times.texts)
    check_distinct(names, where)
    return Repeated(series.dependence, names, index, place, partial(_rebuilt, series, times, where))


def _times(table: pd.DataFrame, series: ResidualSeries, where: str) -> Levels | None:
    """The occasions that have rows in the matrix, None where all are alike."""
    if series.dependence is not Dependence.UNSTR:
        return None
    times = observed_levels(table, Use(series.time, where))
    if not 1 < len(times.texts) <= MOST_TIMES:
        what = "a single value" if len(times.texts) == 1 else f"{len(times.texts)} values"
        raise DataError(
            f"`{where}`: '{series.time}' has {what}; unstr() takes 2 to {MOST_TIMES} occasions, that all "
            "series share; for others write cosy(gr = id) or ar(time = t, gr = id)"
        )
    return times


def _rebuilt(series: ResidualSeries, times: Levels | None, where: str, data: pd.DataFrame) -> np.ndarray:
    table, columns = as_table(data), series_columns(series)
    if columns:
        table = select(table, [Use(column, where) for column in columns])
        require_complete(table)
    return np.stack(_places(table, series, times, where))


def _places(
    table: pd.DataFrame, series: ResidualSeries, times: Levels | None, where: str
) -> tuple[np.ndarray, np.ndarray]:
    group, order, together = in_order(table, series, where)
    if times is not None:
        return group, times.codes(table).astype(int)
    starts = np.flatnonzero(np.concatenate([[True], ~together]))
    lengths = np.diff(np.append(starts, len(order)))
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    return group, place
