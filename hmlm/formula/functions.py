"""The functions that a formula may call: a fixed list, so that no formula runs code of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from hmlm.formula.advice import GROUPS, PREDICTORS, nearest, refusal
from hmlm.formula.expression import (
    CONSTANTS,
    Argument,
    Binary,
    Call,
    Name,
    Node,
    Number,
    Paren,
    Sum,
    Text,
    Unary,
    children,
    columns_of,
)


@dataclass(frozen=True)
class Function:
    """A function as R knows it.

    Attributes:
        options: R's names of the arguments after the first, in their order.
        positional: how many of the options may go unnamed.
        python: R's option names -> those of formulaic's transform, where they differ.
        matrix: whether it yields several columns, so that no other function can take its value.
        implementation: the elementwise function; None of a transform that remembers what it saw of the data,
            formulaic's or that of :mod:`hmlm.formula.splines`.
    """

    options: tuple[str, ...] = ()
    positional: int = 0
    python: Mapping[str, str] = field(default_factory=dict)
    matrix: bool = False
    implementation: Callable | None = None


BOUNDARY = {"Boundary.knots": "boundary"}
_ELEMENTWISE = ("log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs", "sin", "cos")

NUMERIC: dict[str, Function] = {
    **{name: Function(implementation=getattr(np, name)) for name in _ELEMENTWISE},
    "I": Function(),
    "center": Function(),
    "scale": Function(options=("center", "scale"), positional=2),
    "poly": Function(options=("degree", "raw"), positional=1, matrix=True),
    "bs": Function(
        options=("df", "knots", "degree", "intercept", "Boundary.knots"),
        positional=5,
        python=BOUNDARY,
        matrix=True,
    ),
    "ns": Function(
        options=("df", "knots", "intercept", "Boundary.knots"), positional=4, python=BOUNDARY, matrix=True
    ),
}
FACTORS: dict[str, Function] = {name: Function(options=("levels",)) for name in ("factor", "as.factor")}
CATEGORICAL: dict[str, Function] = {**FACTORS, "C": Function(options=("contr",), positional=1)}
CONTRASTS = ("contr.sum", "contr.helmert", "contr.poly", "contr.treatment")
ALLOWED: dict[str, Function] = {**NUMERIC, **CATEGORICAL}

IMPLEMENTATIONS = {name: f.implementation for name, f in NUMERIC.items() if f.implementation is not None}


def is_categorical(node: Node) -> bool:
    """Whether ``node`` is ``factor(x)``, ``as.factor(x)`` or ``C(x, contr.sum)``."""
    return isinstance(node, Call) and node.function in CATEGORICAL


def check_call(call: Call) -> None:
    """Refuse a call that is not of the allowed form: ``function(expression of columns, literal options)``.

    Raises:
        FormulaError: unknown function, wrong arguments, nothing that depends on the data.
    """
    function = _lookup(call)
    if not call.arguments or call.arguments[0].name not in (None, "x"):
        raise call.place.error(f"`{call.function}()` needs a column as its first argument")
    _check_first(call, call.arguments[0].value)
    if not columns_of(call.arguments[0]):
        raise call.place.error(f"`{call}` uses no column of the data")
    _check_options(call, function)


def options_of(call: Call) -> dict[str, Node]:
    """The options given to ``call``, under R's names; positional ones are named."""
    names = iter(ALLOWED[call.function].options)
    return {a.name or next(names): a.value for a in call.arguments[1:]}


def contrasts_of(call: Node) -> str | None:
    """Name of the contrasts of ``C(x, contr.sum)`` or, as R allows, ``C(x, sum)``; None of other nodes.

    Raises:
        FormulaError: none, or those that there are not.
    """
    if not isinstance(call, Call) or call.function != "C":
        return None
    said = call.arguments[1].value if len(call.arguments) > 1 else None
    text = said.text if isinstance(said, Name | Text) else str(said)
    name = text if text in CONTRASTS else f"contr.{text}"
    if name not in CONTRASTS:
        raise call.place.error(
            f"`{call}`: C takes a column and its contrasts, one of {', '.join(CONTRASTS)}; factor(x) has the "
            "usual ones, differences from the first level"
        )
    return name


def _lookup(call: Call) -> Function:
    if call.function in ALLOWED:
        return ALLOWED[call.function]
    if (said := refusal(call.function, PREDICTORS, GROUPS)) is not None:
        raise call.place.error(said)
    raise call.place.error(
        f"function `{call.function}()` is not available in a formula{nearest(call.function, ALLOWED)} "
        f"Allowed: {', '.join(sorted(ALLOWED))}. Compute anything else as a column of the table first"
    )


def _check_first(call: Call, node: Node) -> None:
    if call.function not in CATEGORICAL:
        check_arithmetic(node)
    elif call.function == "C" and isinstance(node, Call) and node.function in FACTORS:
        check_call(node)
    elif not isinstance(node, Name):
        raise node.place.error(f"`{call.function}()` takes the name of a column, not `{node}`")


def check_arithmetic(node: Node) -> None:
    """Refuse anything but arithmetic on columns, numbers and allowed functions of one column.

    Raises:
        FormulaError: where something else stands.
    """
    match node:
        case Number():
            return
        case Name() if node.text not in CONSTANTS:
            return
        case Call() if node.function not in CATEGORICAL and not _lookup(node).matrix:
            check_call(node)
        case Paren() | Unary() | Sum() | Binary() if getattr(node, "operator", "+") != ":":
            for part in children(node):
                check_arithmetic(part)
        case _:
            raise node.place.error(
                f"`{node}` cannot be computed with; inside a function use columns, numbers and + - * / ^"
            )


def _check_options(call: Call, function: Function) -> None:
    literal = contrasts_of(call) is None
    seen: set[str] = set()
    for i, argument in enumerate(call.arguments[1:]):
        name = argument.name or _positional_name(call, function, i, argument)
        if name not in function.options or name in seen:
            raise argument.place.error(_bad_option(call, function, name, name in seen))
        seen.add(name)
        if literal:
            python_literal(argument.value)


def _positional_name(call: Call, function: Function, i: int, argument: Argument) -> str:
    if i < function.positional and all(a.name is None for a in call.arguments[1 : i + 2]):
        return function.options[i]
    raise argument.place.error(_bad_option(call, function, str(argument), False))


def _bad_option(call: Call, function: Function, name: str, twice: bool) -> str:
    if twice:
        return f"`{name}` is given twice in `{call}`"
    allowed = ", ".join(f"{o} = …" for o in function.options)
    takes = f"a column and {allowed}" if allowed else "one column"
    return f"`{name}` is no argument of `{call.function}()`, which takes {takes}"


def python_literal(node: Node) -> str:
    """Python's text of a literal option; every character of it comes from here."""
    match node:
        case Number(text=text):
            return repr(float(text)) if set(text) & set(".eE") else repr(int(text))
        case Text(text=text):
            return repr(text)
        case Name(text=text) if text in CONSTANTS:
            return repr(CONSTANTS[text])
        case Unary(operator=operator, operand=Number() as number):
            return operator + python_literal(number)
        case Call(function="c", arguments=arguments):
            return "[" + ", ".join(python_literal(a.value) for a in arguments) + "]"
    raise node.place.error(
        f"`{node}` must be a literal: a number, TRUE, FALSE, NULL, a string or c(…) of those"
    )


def literal_values(node: Node) -> list[str]:
    """Values of ``c("a", "b")``, or of one literal, as text.

    Raises:
        FormulaError: for anything else.
    """
    items = [a.value for a in node.arguments] if isinstance(node, Call) else [node]
    texts = [item.text for item in items if isinstance(item, Number | Text)]
    if len(texts) < len(items):
        raise node.place.error(f'`{node}` must be literal levels such as c("low", "high")')
    return texts
