"""Which expressions are terms of a linear predictor."""

from __future__ import annotations

from hmlm.formula.expression import (
    CONSTANTS,
    Bars,
    Binary,
    Call,
    Name,
    Node,
    Number,
    Paren,
    Sum,
    Tilde,
    Unary,
    children,
)
from hmlm.formula.functions import check_call
from hmlm.types import Dependence

MAX_POWER = 10
OFFSET = "offset"
SERIES = tuple(one.value for one in Dependence)


def check_terms(node: Node) -> None:
    """Refuse what is no sum of terms.

    Raises:
        FormulaError: with the position.
    """
    match node:
        case Name():
            _check_name(node)
        case Call(function=function) if function == OFFSET:
            raise node.place.error(f"`{node}` is a term of its own outside of parentheses: y ~ x + {node}")
        case Call(function=function) if function in SERIES:
            raise node.place.error(f"`{node}` is a term of its own, y ~ x + {node}")
        case Call():
            check_call(node)
        case Number(text=text) if text not in ("0", "1"):
            raise node.place.error(f"`{text}` is no term; `1` is the intercept and `0` removes it")
        case Unary(operand=operand) if not isinstance(operand, Number):
            raise node.place.error(f"`{node}` is no term; write I({node}) for arithmetic")
        case Binary():
            _check_binary(node)
        case Number() | Unary() | Paren() | Sum():
            for child in children(node):
                check_terms(child)
        case Bars():
            raise node.place.error(_misplaced_bars(node))
        case Tilde():
            raise node.place.error("`~` cannot stand inside a predictor")
        case _:
            raise node.place.error(f"`{node}` is no term; write columns and functions of columns")


def _check_name(name: Name) -> None:
    if name.text == ".":
        raise name.place.error("`.` (all columns) is not available; name the columns")
    if name.text in CONSTANTS:
        raise name.place.error(f"`{name.text}` is no term; `1` is the intercept and `0` removes it")


def _check_binary(node: Binary) -> None:
    if node.operator == "^":
        _check_power(node)
        check_terms(node.left)
        return
    for side in (node.left, node.right):
        if isinstance(side, Number):
            raise side.place.error(f"`{node}` mixes a number into a term; write I({node}) for arithmetic")
        check_terms(side)


def _check_power(node: Binary) -> None:
    power = node.right.text if isinstance(node.right, Number) else ""
    if not power.isdigit() or not 1 <= int(power) <= MAX_POWER:
        raise node.right.place.error(
            f"`{node}`: between terms `^` takes a whole number up to {MAX_POWER}; write I({node}) for a power"
        )


def _misplaced_bars(node: Bars) -> str:
    return f"a group-level term stands in parentheses of its own, joined by `+`: `… + ({node})`"
