"""``mo(x)``: the columns of a monotonic effect, one for each step between neighbouring levels.

With levels 0 … D, ``b D sum(zeta[1..x])`` is linear in the steps ``c_k = b D zeta_k``, whose columns say
whether x has reached level k.

References:
    Bürkner & Charpentier (2020), doi:10.1111/bmsp.12195
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmlm.formula.expression import Call, Name, Node
from hmlm.formula.levels import Levels, level_text, observed_levels
from hmlm.formula.names import coefficient_name
from hmlm.formula.table import Use, as_table, is_numeric, numbers, require_complete, select, series
from hmlm.types import DataError

MONOTONIC = ("mo", "monotonic")
MOST_STEPS = 100


@dataclass(frozen=True)
class Steps:
    """The columns of one monotonic effect.

    Attributes:
        levels: the D + 1 levels of the column in their order.
    """

    levels: Levels

    @property
    def name(self) -> str:
        """brms's name of the coefficient, ``"mox"``."""
        return coefficient_name(f"mo{self.levels.use.column}")

    @property
    def size(self) -> int:
        """D, number of steps."""
        return len(self.levels.texts) - 1

    def matrix(self, data: pd.DataFrame) -> np.ndarray:
        """(N, D) of complete data: 1 where the level of a row is at least k, for k from 1 to D.

        Raises:
            DataError: missing columns or values, levels that the first data did not have.
        """
        table = select(as_table(data), [self.levels.use])
        require_complete(table)
        return (self.levels.codes(table)[:, None] > np.arange(self.size)).astype(np.float64)


def is_monotonic(node: Node) -> bool:
    """Whether a term is ``mo(…)``."""
    return isinstance(node, Call) and node.function in MONOTONIC


def monotonic_column(sign: str, node: Node) -> str:
    """The column in ``mo(x)``.

    Raises:
        FormulaError: the term is subtracted, or holds anything but one column.
    """
    arguments = node.arguments if isinstance(node, Call) else ()
    if sign == "-":
        raise node.place.error(f"`{node}` cannot be subtracted; leave it out")
    if len(arguments) != 1 or arguments[0].name or not isinstance(arguments[0].value, Name):
        raise node.place.error(f"`{node}`: mo takes one column, of whole numbers or ordered categories")
    return arguments[0].value.text


def build_steps(column: str, table: pd.DataFrame, where: str) -> Steps:
    """The steps of a column of N complete rows; as in brms every whole number between the ends is a level.

    Raises:
        DataError: values without an order, between whole numbers, all the same, or too far apart.
    """
    use = Use(column, where)
    levels = _whole_numbers(table, use) if is_numeric(series(table, column)) else _categories(table, use)
    if len(levels.texts) == 1:
        raise DataError(f"`{where}`: '{column}' is {levels.texts[0]} in every row; leave mo({column}) out")
    return Steps(levels)


def _categories(table: pd.DataFrame, use: Use) -> Levels:
    kind = series(table, use.column).dtype
    if isinstance(kind, pd.CategoricalDtype) and kind.ordered:
        return observed_levels(table, use)
    raise DataError(
        f"`{use.where}`: mo({use.column}) needs an order, and '{use.column}' is neither whole numbers nor "
        f"ordered categories; say it: pd.Categorical(data[{use.column!r}], categories=[…], ordered=True)"
    )


def _whole_numbers(table: pd.DataFrame, use: Use) -> Levels:
    values = numbers(table, use)
    between = values[values != np.round(values)]
    if len(between):
        raise DataError(_too_fine(use, f"takes whole numbers, and there is {level_text(between[0])}"))
    if np.ptp(values) > MOST_STEPS:
        raise DataError(_too_fine(use, f"would have {np.ptp(values):.0f} steps, more than {MOST_STEPS}"))
    return Levels(use, tuple(str(value) for value in range(int(values.min()), int(values.max()) + 1)))


def _too_fine(use: Use, what: str) -> str:
    return (
        f"`{use.where}`: mo({use.column}) {what}; cut it into ordered categories first, "
        f"pd.cut(data[{use.column!r}], 5), or write ns({use.column}, df = 4)"
    )
