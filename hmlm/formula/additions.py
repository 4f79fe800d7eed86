"""Left of ``~``: brms's addition terms, ``y | trials(n) + weights(w)``, and lme4's ``cbind(y, n - y)``.

====================================  ==================================================================
``trials(n)``                         number of trials, of families that count successes
``weights(w, scale = FALSE)``         factor of the row's log likelihood; ``scale`` makes their mean 1
``se(s, sigma = FALSE)``              known standard error, with ``sigma`` added to an estimated one
``cens(c, y2)``                       'left', 'none', 'right' or 'interval' from ``y`` to ``y2``
``trunc(lb, ub)``                     bounds of the outcome
``rate(d)``                           denominator of a count's rate
====================================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hmlm.formula.advice import ADDITIONS as ELSEWHERE
from hmlm.formula.advice import CALLS, nearest, refusal
from hmlm.formula.expression import Argument, Bars, Call, Name, Node, Sum, truth_of
from hmlm.formula.functions import check_call
from hmlm.formula.parser import parse
from hmlm.formula.quantity import check_quantity, quantity_columns
from hmlm.types import OutcomeFormula

SUCCESSES = "cbind"


@dataclass(frozen=True)
class Signature:
    """Arguments of an addition term, R's names in their order.

    Attributes:
        quantities: a number or a function of columns each.
        flags: TRUE or FALSE.
        n_required: how many of the quantities must be given.
    """

    quantities: tuple[str, ...]
    flags: tuple[str, ...] = ()
    n_required: int = 1


SIGNATURES = {
    "trials": Signature(("x",)),
    "weights": Signature(("x",), flags=("scale",)),
    "se": Signature(("x",), flags=("sigma",)),
    "cens": Signature(("x", "y2")),
    "trunc": Signature(("lb", "ub"), n_required=0),
    "rate": Signature(("denom",)),
}


@dataclass(frozen=True)
class Addition:
    """An addition term that was read.

    Attributes:
        name: ``"trials"``.
        quantities: argument -> expression.
        flags: argument -> value; all of them.
    """

    name: str
    quantities: Mapping[str, Node]
    flags: Mapping[str, bool]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs."""
        return tuple(dict.fromkeys(c for node in self.quantities.values() for c in quantity_columns(node)))


Additions = tuple[tuple[str, str], ...]


def read_left(node: Node) -> tuple[str, Additions]:
    """Column, or function of columns, of the outcome and its addition terms.

    Raises:
        FormulaError: no possible outcome, or terms that are unknown, malformed or given twice.
    """
    match node:
        case Bars(parts=(outcome, terms), bars=("|",)):
            column, first = read_left(outcome)
            return column, (*first, *_read_terms(terms, dict(first)))
        case Name(text=text):
            return text, ()
        case Call(function=function) if function == SUCCESSES:
            return _read_successes(node)
        case Call(function=function) if (said := refusal(function, CALLS)) is not None:
            raise node.place.error(said)
        case Call():
            check_call(node)
            return str(node), ()
    raise node.place.error(
        f"`{node}` is no outcome; left of `~` stands a column or a function of one, as in log(y), and what "
        "is said of its rows after one bar, as in y | trials(n) + weights(w)"
    )


def additions_of(formula: OutcomeFormula) -> list[Addition]:
    """The addition terms of an outcome."""
    return [read_addition(_parsed(name, arguments)) for name, arguments in formula.additions]


def read_addition(call: Call) -> Addition:
    """One addition term.

    Raises:
        FormulaError: unknown, or with arguments that it does not take.
    """
    signature = _signature(call)
    given = matched_arguments(call, (*signature.quantities, *signature.flags))
    for name in signature.quantities[: signature.n_required]:
        if name not in given:
            raise call.place.error(f"`{call}` lacks its argument; write for example `{call.function}(n)`")
    if not given:
        raise call.place.error("`trunc()` has no bound; write trunc(lb = 0), trunc(ub = 10) or both")
    quantities = {name: given[name].value for name in signature.quantities if name in given}
    for node in quantities.values():
        check_quantity(node)
    return Addition(call.function, quantities, {name: _flag(given.get(name)) for name in signature.flags})


def _parsed(name: str, arguments: str) -> Call:
    call = parse(f"{name}({arguments})")
    assert isinstance(call, Call)
    return call


def _read_terms(node: Node, known: Mapping[str, str]) -> Additions:
    signed = [("+", node.first), *node.rest] if isinstance(node, Sum) else [("+", node)]
    found: dict[str, str] = {}
    for sign, term in signed:
        if sign != "+" or not isinstance(term, Call):
            raise term.place.error(
                f"`{term}` is no addition term; after the bar stand terms such as trials(n), joined by `+`"
            )
        read_addition(term)
        if term.function in found or term.function in known:
            raise term.place.error(f"`{term.function}()` is given twice; write one")
        found[term.function] = ", ".join(map(str, term.arguments))
    return tuple(found.items())


def _read_successes(call: Call) -> tuple[str, Additions]:
    if len(call.arguments) != 2 or any(a.name for a in call.arguments):
        raise call.place.error(f"`{call}`: write cbind(successes, failures), or `successes | trials(n)`")
    successes, failures = (argument.value for argument in call.arguments)
    column, _ = read_left(successes)
    check_quantity(failures)
    return column, (("trials", f"{successes} + {failures}"),)


def _signature(call: Call) -> Signature:
    if call.function in SIGNATURES:
        return SIGNATURES[call.function]
    if (said := refusal(call.function, ELSEWHERE)) is not None:
        raise call.place.error(said)
    raise call.place.error(
        f"`{call.function}()` is no addition term of an outcome{nearest(call.function, SIGNATURES)} "
        f"Available: {', '.join(SIGNATURES)}"
    )


def matched_arguments(call: Call, names: tuple[str, ...]) -> dict[str, Argument]:
    """Arguments by name, as R matches them: those named first, the others in order."""
    named = {a.name: a for a in call.arguments if a.name}
    free = iter([name for name in names if name not in named])
    given: dict[str, Argument] = {}
    for argument in call.arguments:
        name = argument.name or next(free, "")
        if name not in names or name in given:
            raise argument.place.error(
                f"`{argument}` is {'given twice in' if name in given else 'no argument of'} "
                f"`{call.function}()`, which takes {', '.join(names)}"
            )
        given[name] = argument
    return given


def _flag(argument: Argument | None) -> bool:
    if argument is None:
        return False
    value = truth_of(argument.value)
    if value is None:
        raise argument.place.error(f"`{argument}` must be TRUE or FALSE")
    return value
