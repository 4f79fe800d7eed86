"""The values of an outcome: a column, or a function of one as in ``log(y)``; codes where it has levels."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from hmlm.formula.addition_values import (
    build_quantities,
    check_against,
    rebuild_quantities,
    with_safe_limits,
)
from hmlm.formula.checks import is_constant
from hmlm.formula.encoding import coded_levels
from hmlm.formula.expression import Call, columns_of
from hmlm.formula.functions import is_categorical
from hmlm.formula.levels import Levels, check_plain, observed_levels
from hmlm.formula.matrix import build_matrix
from hmlm.formula.names import outcome_name
from hmlm.formula.parser import parse
from hmlm.formula.table import Use, is_boolean, is_text, numbers, series
from hmlm.types import DataError, FormulaError, Outcome, OutcomeFormula

_SMALLEST = 1e-100  # range of an outcome: squares of smaller numbers vanish


def outcome_columns(column: str, table: pd.DataFrame) -> tuple[str, ...]:
    """The columns that an outcome is computed from: itself, unless it is a function of others."""
    call = None if column in table.columns else _as_call(column)
    return (column,) if call is None else columns_of(call)


def build_outcome(table: pd.DataFrame, formula: OutcomeFormula, where: str) -> Outcome:
    """The outcome of N complete rows.

    Args:
        table: the used columns.
        formula: its column and addition terms.
        where: the equation, for messages.

    Raises:
        DataError: values that are infinite or all equal, columns of dates and the like, additions that
            contradict the values.
    """
    column = formula.column
    levels = _levels(table, column, where)
    values = _values(table, column, where) if levels is None else levels.codes(table).astype(np.float64)
    texts = () if levels is None else levels.texts
    _check_varying(values, texts, column, where)
    quantities = build_quantities(formula, table, where)
    additions = {name: quantity.values for name, quantity in quantities.items()}
    check_against(values, additions, column, where)
    additions = with_safe_limits(values, additions)
    rebuild = partial(rebuild_quantities, quantities, where)
    return Outcome(outcome_name(column), column, values, texts, additions, rebuild)


def _check_varying(values: np.ndarray, levels: tuple[str, ...], column: str, where: str) -> None:
    if is_constant(values):
        value = levels[0] if levels else f"{values[0]:g}"
        raise DataError(
            f"`{where}`: outcome '{column}' is {value} in every row used; there is nothing to model"
        )
    if np.ptp(values) < _SMALLEST:
        raise DataError(
            f"`{where}`: outcome '{column}' varies by {np.ptp(values):.3g} only, too little to compute with; "
            "multiply it by a constant"
        )


def _levels(table: pd.DataFrame, column: str, where: str) -> Levels | None:
    """Levels of an outcome of text, categories or true and false, or of ``factor(y)``; None of numbers."""
    if column in table.columns:
        found = series(table, column)
        if not (is_text(found) or is_boolean(found)):
            return None
        check_plain(table, Use(column, where))
        return observed_levels(table, Use(column, where))
    call = _as_call(column)
    return coded_levels(call, table, where) if call is not None and is_categorical(call) else None


def _values(table: pd.DataFrame, column: str, where: str) -> np.ndarray:
    if column in table.columns:
        return numbers(table, Use(column, where))
    values = build_matrix(f"0 + {column}", table, where).values
    if values.shape[1] != 1:
        raise DataError(f"`{where}`: outcome '{column}' has {values.shape[1]} columns; an outcome has one")
    return values[:, 0]


def _as_call(column: str) -> Call | None:
    try:
        node = parse(column)
    except FormulaError:
        return None
    return node if isinstance(node, Call) else None
