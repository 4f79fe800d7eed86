"""What yields one number per row: a constant, or a function of columns; of offsets and addition terms."""

from __future__ import annotations

import math

from hmlm.formula.expression import Name, Node, Number, Unary, columns_of
from hmlm.formula.functions import check_arithmetic

INFINITE = "Inf"  # R's word


def constant_of(node: Node) -> float | None:
    """The number that ``2``, ``-2`` or ``-Inf`` states; None of anything else."""
    match node:
        case Number(text=text):
            return float(text)
        case Name(text=text) if text == INFINITE:
            return math.inf
        case Unary(operator=sign, operand=operand) if (value := constant_of(operand)) is not None:
            return -value if sign == "-" else value
    return None


def quantity_columns(node: Node) -> tuple[str, ...]:
    """The columns that :func:`hmlm.formula.row_values.build_quantity` needs."""
    return () if constant_of(node) is not None else columns_of(node)


def check_quantity(node: Node) -> None:
    """Refuse what is neither a number nor computed from columns.

    Raises:
        FormulaError: with the position.
    """
    if constant_of(node) is None:
        check_arithmetic(node)
        if not columns_of(node):
            raise node.place.error(f"`{node}` uses no column of the data; write a number or a column")
