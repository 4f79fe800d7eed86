"""R calls pasted as text: ``bf(y ~ x, sigma ~ z) + bf(…) + set_rescor(TRUE)``."""

from __future__ import annotations

from hmlm.formula.advice import ARGUMENTS, CALLS, refusal
from hmlm.formula.expression import Argument, Call, Node, Sum, Tilde, truth_of
from hmlm.formula.outcome import DPARS, RESCOR, dpar_formula, is_dpar, outcome_formula
from hmlm.types import OutcomeFormula, PredictorFormula, ResidualCorrelation

_OUTCOME_CALLS = ("bf", "brmsformula")
_CALLS = (*_OUTCOME_CALLS, "set_rescor")


def is_pasted(node: Node) -> bool:
    """Whether ``node`` starts with a call of brms or lme4 rather than being a formula."""
    first = node.first if isinstance(node, Sum) else node
    return isinstance(first, Call) and first.function in (*_CALLS, *CALLS)


def read_calls(node: Node) -> list[OutcomeFormula | ResidualCorrelation]:
    """What each of the added calls states.

    Raises:
        FormulaError: another call among them, or arguments that are not available.
    """
    calls = [("+", node.first), *node.rest] if isinstance(node, Sum) else [("+", node)]
    return [_read_call(sign, call) for sign, call in calls]


def _read_call(sign: str, call: Node) -> OutcomeFormula | ResidualCorrelation:
    if isinstance(call, Call) and (said := refusal(call.function, CALLS)):
        raise call.place.error(said)
    if sign != "+" or not isinstance(call, Call) or call.function not in _CALLS:
        raise call.place.error(
            f"`{call}` cannot be added here; allowed are bf(…) and set_rescor(…), joined by `+`"
        )
    return _read_bf(call) if call.function in _OUTCOME_CALLS else _read_rescor(call)


def _read_rescor(call: Call) -> ResidualCorrelation:
    if len(call.arguments) > 1:
        raise call.place.error("set_rescor takes TRUE, FALSE or one formula")
    return ResidualCorrelation(*map(_flag_or_formula, call.arguments))


def _flag_or_formula(argument: Argument) -> bool | PredictorFormula:
    value = argument.value
    return dpar_formula(RESCOR, value) if isinstance(value, Tilde) else _flag(argument)


def _read_bf(call: Call) -> OutcomeFormula:
    positional = [a.value for a in call.arguments if a.name in (None, "formula")]
    named = [a for a in call.arguments if a.name not in (None, "formula")]
    if not positional:
        raise call.place.error("bf needs a formula: bf(y ~ 1 + x)")
    for argument in named:
        _check_argument(argument)
    center = all(_flag(a) for a in named if a.name == "center")
    dpars = [(str(a.name), a.value) for a in named if is_dpar(str(a.name))]
    return outcome_formula(positional[0], positional[1:], dpars, center)


def _check_argument(argument: Argument) -> None:
    name = str(argument.name)
    if (said := refusal(name, ARGUMENTS)) is not None:
        raise argument.place.error(said)
    if name != "center" and not is_dpar(name):
        allowed = ", ".join(("center", *DPARS))
        raise argument.place.error(f"`{name}` is not available in bf; allowed: {allowed}")


def _flag(argument: Argument) -> bool:
    value = truth_of(argument.value)
    if value is None:
        raise argument.place.error(f"`{argument}` must be TRUE or FALSE")
    return value
