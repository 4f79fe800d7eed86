"""Censored outcomes: the codes of ``cens(c, y2)`` and ends of intervals that rows without one lack."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from hmlm.formula.additions import Addition, additions_of
from hmlm.formula.expression import Name, Node
from hmlm.formula.levels import level_text
from hmlm.formula.row_values import Quantity, build_quantity
from hmlm.formula.table import Use, as_table, require_complete, select, series
from hmlm.types import DataError, OutcomeFormula

INTERVAL = 2.0
CODES = {"left": -1.0, "none": 0.0, "right": 1.0, "interval": INTERVAL}


def build_censoring(node: Node, table: pd.DataFrame, where: str) -> Quantity:
    """Codes of N rows: -1 left, 0 none, 1 right, 2 interval.

    Args:
        node: a column of brms's words, their first letters, its codes or TRUE (right) and FALSE; or a
            function of columns that yields codes.
        table: complete rows.
        where: the piece of the formula, for messages.

    Raises:
        DataError: another word or number.
    """
    if isinstance(node, Name) and node.text in table:
        use = Use(node.text, where)
        return Quantity(codes_of(series(table, node.text), use), partial(_rebuild, use))
    codes = build_quantity(node, table, where)
    bad = ~np.isin(codes.values, list(CODES.values()))
    if bad.any():
        raise DataError(f"`{where}`: cens({node}) is {codes.values[bad][0]:g} in some row; {_allowed()}")
    return codes


def codes_of(column: pd.Series, use: Use) -> np.ndarray:
    """(N,) codes of a complete column.

    Raises:
        DataError: a word or number that is no kind of censoring.
    """
    found = {value: _code(value) for value in column.unique()}
    unknown = [level_text(value) for value, code in found.items() if code is None]
    if unknown:
        few = ", ".join(map(repr, unknown[:3]))
        raise DataError(f"`{use.where}`: column '{use.column}' of cens has {few}; {_allowed()}")
    return np.array([found[value] for value in column], dtype=np.float64)


def fill_upper_limits(
    table: pd.DataFrame, formula: OutcomeFormula, counts: Mapping[str, int], where: str
) -> pd.DataFrame:
    """The table with ends of intervals where they are missing and none is needed: 0, which nothing reads.

    Without this, the rows that are not interval-censored would be left out as incomplete.

    Args:
        table: the columns used.
        formula: of one outcome.
        counts: how often the model uses each column; one that is used elsewhere keeps its gaps.
        where: the piece of the formula, for messages.
    """
    for term in additions_of(formula):
        columns = _status_and_limit(term) if term.name == "cens" else None
        if columns is not None and counts[columns[1]] == 1:
            status, limits = series(table, columns[0]).dropna(), series(table, columns[1])
            other = status.index[codes_of(status, Use(columns[0], where)) != INTERVAL]
            unneeded = limits.isna() & limits.index.isin(other)
            table = table.assign(**{columns[1]: limits.mask(unneeded, 0.0)})
    return table


def _status_and_limit(term: Addition) -> tuple[str, str] | None:
    """Names of the column of codes and of that of the intervals' ends, where both arguments are columns."""
    x, upper = term.quantities["x"], term.quantities.get("y2")
    return (x.text, upper.text) if isinstance(x, Name) and isinstance(upper, Name) else None


def _rebuild(use: Use, data: pd.DataFrame) -> np.ndarray:
    table = select(as_table(data), [use])
    require_complete(table)
    return codes_of(series(table, use.column), use)


def _code(value: object) -> float | None:
    if isinstance(value, bool | np.bool_):
        return CODES["right"] if value else CODES["none"]
    if isinstance(value, str):
        words = [word for word in CODES if value and word.startswith(value.lower())]
        return CODES[words[0]] if words else None
    return float(value) if value in CODES.values() else None  # type: ignore[arg-type]


def _allowed() -> str:
    words = ", ".join(f"'{word}' ({code:g})" for word, code in CODES.items())
    return f"allowed are {words}, and TRUE and FALSE for right and none"
