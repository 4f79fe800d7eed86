"""Numbers that priors are written with, as simple arithmetic."""

from __future__ import annotations

import ast
import math
import operator

FUNCTIONS = {"log": math.log, "exp": math.exp, "sqrt": math.sqrt}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def evaluate_number(text: str) -> float:
    """A number written as simple arithmetic, ``"log(2) / 3"``.

    Raises:
        ValueError: it is none, or not finite.
    """
    try:
        value = float(_evaluate(ast.parse(text, mode="eval").body))
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ValueError(f"{text!r} is not a number; write one like 0.5, -2, 1/2 or log(2)") from error
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value


def _evaluate(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=float() | int() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_evaluate(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_evaluate(left), _evaluate(right))
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](_evaluate(inner))
    raise ValueError("not simple arithmetic")
