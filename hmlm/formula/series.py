"""brms's ``ar(time, gr, p = 1, cov = FALSE)``: each residual depends on the one before it in its series.

The row before is the previous one within ``gr`` in the order of ``time`` (of the table without ``time``);
gaps in time are ignored, as in brms. ``cosy(time, gr)`` and ``unstr(time, gr)`` are read here too.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from hmlm.formula.additions import matched_arguments
from hmlm.formula.expression import Argument, Binary, Call, Name, Node, Number, truth_of
from hmlm.formula.factors import group_levels
from hmlm.formula.table import Use, as_table, require_complete, select
from hmlm.types import DataError, Dependence, ResidualSeries, Series

ARGUMENTS = {
    Dependence.AR: ("time", "gr", "p", "cov"),
    Dependence.COSY: ("time", "gr"),
    Dependence.UNSTR: ("time", "gr"),
}
MISSING = "NA"
FIRST = -1  # what stands for the previous row where there is none


def read_series(call: Call) -> ResidualSeries:
    """The term that ``ar(…)``, ``cosy(…)`` or ``unstr(…)`` states.

    Raises:
        FormulaError: with the position, where an argument is not what brms's function takes.
    """
    dependence = Dependence(call.function)
    given = matched_arguments(call, ARGUMENTS[dependence])
    _check_order(given.get("p"))
    cov = given.get("cov")
    stationary = False if cov is None else truth_of(cov.value)
    if stationary is None:
        raise cov.place.error(f"`{cov}` must be TRUE or FALSE")
    time = _columns(given.get("time"))
    if len(time) > 1:
        raise call.place.error(f"`{call}`: time is one column")
    group = _columns(given.get("gr"))
    if dependence is Dependence.UNSTR and not (time and group):
        raise call.place.error(f"`{call}`: say the occasions and the series, unstr(time = t, gr = id)")
    return ResidualSeries(time[0] if time else None, group, stationary, dependence)


def series_columns(series: ResidualSeries) -> tuple[str, ...]:
    """The columns that order the rows and tell series apart."""
    return (*([series.time] if series.time else []), *series.group)


def build_series(table: pd.DataFrame, series: ResidualSeries, where: str) -> Series:
    """Which row comes before each of N complete rows.

    Raises:
        DataError: two rows of one series at one time.
    """
    rebuild = partial(_rebuilt, series, where)
    return Series(series.stationary, _previous_rows(table, series, where), rebuild)


def _rebuilt(series: ResidualSeries, where: str, data: pd.DataFrame) -> np.ndarray:
    columns = series_columns(series)
    if not columns:
        return _previous_rows(as_table(data), series, where)
    table = select(as_table(data), [Use(column, where) for column in columns])
    require_complete(table)
    return _previous_rows(table, series, where)


def _previous_rows(table: pd.DataFrame, series: ResidualSeries, where: str) -> np.ndarray:
    n_rows = len(table)
    _, order, together = in_order(table, series, where)
    previous = np.full(n_rows, FIRST)
    previous[order[1:][together]] = order[:-1][together]
    return previous


def in_order(
    table: pd.DataFrame, series: ResidualSeries, where: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N,) series of each row, rows by series and time, and (N - 1,) whether two of these are of one series.

    Raises:
        DataError: two rows of one series at one time.
    """
    n_rows = len(table)
    group = np.zeros(n_rows, int)
    if series.group:
        group = pd.Categorical(group_levels(table, series.group)).codes.astype(int)
    time = np.arange(n_rows) if series.time is None else pd.Categorical(table[series.time]).codes
    order = np.lexsort((time, group))
    together = group[order][1:] == group[order][:-1]
    _check_times(table, order, (time[order][1:] == time[order][:-1]) & together, series, where)
    return group, order, together


def _check_times(
    table: pd.DataFrame, order: np.ndarray, twice: np.ndarray, series: ResidualSeries, where: str
) -> None:
    if not np.any(twice):
        return
    row = order[1:][twice][0]
    of = f" of one level of '{':'.join(series.group)}'" if series.group else ""
    name = f" ({group_levels(table.iloc[[row]], series.group)[0]})" if series.group else ""
    hint = "" if series.group else f"; say which rows make a series, {series.dependence.value}(time, gr = id)"
    raise DataError(
        f"`{where}`: several rows{of}{name} have the same '{series.time}', {table[series.time].iloc[row]}, "
        f"so that none comes first{hint}"
    )


def _columns(argument: Argument | None) -> tuple[str, ...]:
    return () if argument is None else _names(argument.value)


def _names(node: Node) -> tuple[str, ...]:
    """Columns of ``a`` or ``a:b``, none of ``NA``."""
    match node:
        case Name(text=text):
            return () if text == MISSING else (text,)
        case Binary(operator=":", left=left, right=right):
            return (*_names(left), *_names(right))
    raise node.place.error(f"`{node}` is no column; write for example ar(time = day, gr = id)")


def _check_order(argument: Argument | None) -> None:
    if argument is not None and not (isinstance(argument.value, Number) and argument.value.text == "1"):
        raise argument.place.error(
            f"`{argument}`: only the residual before counts, p = 1; for earlier ones make lagged outcomes, "
            "data.groupby('id')['y'].shift(2)"
        )
