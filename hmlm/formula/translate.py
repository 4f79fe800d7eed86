"""From R's expressions to the Python text that formulaic evaluates.

Text is made from checked expressions only: names of variables chosen here, numbers printed here and functions
of the fixed list. Nothing that the user typed is passed through.
"""

from __future__ import annotations

from collections.abc import Mapping

from hmlm.formula.expression import Binary, Call, Name, Node, Number, Paren, Sum, Unary
from hmlm.formula.functions import ALLOWED, options_of, python_literal
from hmlm.types import FormulaError


def to_python(node: Node, variables: Mapping[str, str]) -> str:
    """Python's text of a checked arithmetic expression, for formulaic to evaluate.

    Args:
        node: accepted by :func:`check_arithmetic`.
        variables: column -> name of the variable that holds it.
    """
    match node:
        case Name(text=text):
            return variables[text]
        case Number(text=text):
            return repr(float(text))
        case Paren(inner=inner):
            return f"({to_python(inner, variables)})"
        case Unary(operator=operator, operand=operand):
            return f"{operator}{to_python(operand, variables)}"
        case Binary(operator=operator, left=left, right=right):
            sign = "**" if operator == "^" else operator
            return f"{to_python(left, variables)} {sign} {to_python(right, variables)}"
        case Sum(first=first, rest=rest):
            tail = "".join(f" {sign} {to_python(term, variables)}" for sign, term in rest)
            return to_python(first, variables) + tail
        case Call():
            return _call_to_python(node, variables)
    raise FormulaError(f"`{node}` cannot be computed")


def _call_to_python(call: Call, variables: Mapping[str, str]) -> str:
    renamed = ALLOWED[call.function].python
    options = [f"{renamed.get(k, k)}={python_literal(v)}" for k, v in options_of(call).items()]
    return f"{call.function}({', '.join([to_python(call.arguments[0].value, variables), *options])})"
