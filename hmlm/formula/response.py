"""The values of an outcome: a column, or a function of one as in ``log(y)``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hmlm.formula.checks import is_constant
from hmlm.formula.expression import Call, columns_of
from hmlm.formula.matrix import build_matrix
from hmlm.formula.names import outcome_name
from hmlm.formula.parser import parse
from hmlm.formula.table import Use, numbers
from hmlm.types import DataError, FormulaError, Outcome

_SMALLEST = 1e-100  # range of an outcome: squares of smaller numbers vanish


def outcome_columns(column: str, table: pd.DataFrame) -> tuple[str, ...]:
    """The columns that an outcome is computed from: itself, unless it is a function of others."""
    call = None if column in table.columns else _as_call(column)
    return (column,) if call is None else columns_of(call)


def build_outcome(table: pd.DataFrame, column: str, where: str) -> Outcome:
    """The outcome of N complete rows.

    Raises:
        DataError: values that are not numeric, infinite or all equal.
    """
    values = _values(table, column, where)
    if is_constant(values):
        raise DataError(
            f"`{where}`: outcome '{column}' is {values[0]:g} in every row used; there is nothing to model"
        )
    if np.ptp(values) < _SMALLEST:
        raise DataError(
            f"`{where}`: outcome '{column}' varies by {np.ptp(values):.3g} only, too little to compute with; "
            "multiply it by a constant"
        )
    return Outcome(outcome_name(column), column, values)


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
