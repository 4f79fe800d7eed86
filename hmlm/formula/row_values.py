"""Numbers for each row, evaluated on the table and remembered for new data: offsets and addition terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from hmlm.formula.expression import Call, Node
from hmlm.formula.matrix import TermMatrix, build_matrix
from hmlm.formula.quantity import constant_of
from hmlm.formula.table import as_table


@dataclass(frozen=True)
class Quantity:
    """A number for each row.

    Attributes:
        values: (N,) float64.
        rebuild: new complete table -> (N',) values.
    """

    values: np.ndarray
    rebuild: Callable[[pd.DataFrame], np.ndarray]


def build_quantity(node: Node, table: pd.DataFrame, where: str) -> Quantity:
    """Evaluate a checked expression on N complete rows.

    Args:
        node: accepted by :func:`hmlm.formula.quantity.check_quantity`.
        table: the used columns.
        where: the piece of the formula, for messages.

    Raises:
        DataError: a column that is not numeric, or values that are infinite.
    """
    value = constant_of(node)
    if value is not None:
        return of_constant(value, len(table))
    text = str(node) if isinstance(node, Call) else f"I({node})"
    matrix = build_matrix(f"0 + {text}", table, where)
    return Quantity(matrix.values[:, 0], partial(_first_column, matrix))


def of_constant(value: float, n_rows: int) -> Quantity:
    """The same number in each of N rows."""
    return Quantity(np.full(n_rows, float(value)), partial(_filled, float(value)))


def divided(quantity: Quantity, divisor: float) -> Quantity:
    """The quantity in other units."""
    return Quantity(quantity.values / divisor, partial(_divided, quantity.rebuild, divisor))


def summed(quantities: list[Quantity]) -> Quantity | None:
    """The sum of quantities, None of none."""
    if not quantities:
        return None
    total = np.sum([quantity.values for quantity in quantities], axis=0)
    return Quantity(total, partial(_summed, tuple(quantity.rebuild for quantity in quantities)))


def _first_column(matrix: TermMatrix, data: pd.DataFrame) -> np.ndarray:
    return matrix.rebuild(data)[:, 0]


def _filled(value: float, data: pd.DataFrame) -> np.ndarray:
    return np.full(len(as_table(data)), value)


def _divided(rebuild: Callable[[pd.DataFrame], np.ndarray], divisor: float, data: pd.DataFrame) -> np.ndarray:
    return rebuild(data) / divisor


def _summed(rebuilds: tuple[Callable[[pd.DataFrame], np.ndarray], ...], data: pd.DataFrame) -> np.ndarray:
    return np.sum([rebuild(data) for rebuild in rebuilds], axis=0)
