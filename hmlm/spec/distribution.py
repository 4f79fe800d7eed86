"""The distributions that priors may have, and how their text is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from hmlm.spec.hint import did_you_mean, point_at
from hmlm.spec.number import evaluate_number
from hmlm.spec.rcall import Argument, Call, parse_call
from hmlm.spec.shrinkage import ARGUMENTS, SHRINKAGE, parse_shrinkage
from hmlm.spec.support import Support
from hmlm.types import Distribution


@dataclass(frozen=True)
class DistributionKind:
    """What is known of all distributions of one name.

    Attributes:
        name: its name, brms's and Stan's.
        parameters: names of its arguments.
        support: ``"real"``, ``"positive"``, ``"unit"``, ``"interval"``, ``"simplex"``, ``"corr"``, or
            ``"shrinkage"`` of those that many coefficients share (:mod:`hmlm.spec.shrinkage`).
        positive: the parameters that must be above 0.
        scale: arguments -> finite spread for over-dispersed starts, near the standard deviation
            where there is one; None for flat.
        ordered: whether the arguments are a lower and an upper bound.
        several: whether its one argument may be several numbers.
    """

    name: str
    parameters: tuple[str, ...]
    support: str
    positive: tuple[str, ...]
    scale: Callable[..., float] | None
    ordered: bool = False
    several: bool = False

    @property
    def signature(self) -> str:
        """``"(mu, sigma)"``."""
        return f"({', '.join(self.parameters)})"


KINDS = (
    DistributionKind("normal", ("mu", "sigma"), "real", ("sigma",), lambda mu, sigma: sigma),
    DistributionKind(
        "student_t", ("nu", "mu", "sigma"), "real", ("nu", "sigma"), lambda nu, mu, sigma: sigma
    ),
    DistributionKind("cauchy", ("mu", "sigma"), "real", ("sigma",), lambda mu, sigma: sigma),
    DistributionKind("exponential", ("rate",), "positive", ("rate",), lambda rate: 1 / rate),
    DistributionKind(
        "gamma",
        ("shape", "rate"),
        "positive",
        ("shape", "rate"),
        lambda shape, rate: math.sqrt(shape) / rate,
    ),
    DistributionKind(
        "uniform",
        ("lower", "upper"),
        "interval",
        (),
        lambda lower, upper: (upper - lower) / math.sqrt(12),
        ordered=True,
    ),
    DistributionKind(
        "lognormal", ("mu", "sigma"), "positive", ("sigma",), lambda mu, sigma: math.exp(min(mu, 700.0))
    ),
    DistributionKind("logistic", ("mu", "sigma"), "real", ("sigma",), lambda mu, sigma: 1.8 * sigma),
    DistributionKind(
        "inv_gamma",
        ("shape", "scale"),
        "positive",
        ("shape", "scale"),
        lambda shape, scale: scale / shape,
    ),
    DistributionKind(
        "beta",
        ("alpha", "beta"),
        "unit",
        ("alpha", "beta"),
        lambda alpha, beta: math.sqrt(alpha * beta / (alpha + beta + 1)) / (alpha + beta),
    ),
    DistributionKind("lkj", ("eta",), "corr", ("eta",), lambda eta: 1 / math.sqrt(2 * eta + 1)),
    DistributionKind(
        "dirichlet", ("alpha",), "simplex", ("alpha",), lambda *alpha: 1 / len(alpha), several=True
    ),
    DistributionKind("flat", (), "real", (), None),
    *(DistributionKind(name, tuple(known), "shrinkage", (), None) for name, known in ARGUMENTS.items()),
)

DISTRIBUTIONS = {kind.name: kind for kind in KINDS}

FLAT = Distribution("flat")

ALIASES = {"lkj_corr_cholesky": "lkj", "lkj_corr": "lkj"}
VALUES = {
    "real": (-math.inf, math.inf),
    "positive": (0.0, math.inf),
    "unit": (0.0, 1.0),
    "simplex": (0.0, 1.0),
    "corr": (-1.0, 1.0),
    "shrinkage": (-math.inf, math.inf),
}
FLAT_TEXTS = ("", "flat", "(flat)")


def kind_of(distribution: Distribution) -> DistributionKind:
    """What is known of ``distribution`` by its name."""
    return DISTRIBUTIONS[distribution.name]


def is_flat(distribution: Distribution) -> bool:
    """Whether it is the flat prior, bounded or not."""
    return distribution.name == FLAT.name


def is_improper(distribution: Distribution, support: Support) -> bool:
    """Whether it is flat without an end, so that nothing can be drawn from it."""
    return is_flat(distribution) and not all(map(math.isfinite, interval_of(distribution, support)))


def interval_of(distribution: Distribution, support: Support) -> tuple[float, float]:
    """Where a parameter of this prior and support may lie; what lies between is empty if they contradict."""
    (low, high), (least, most) = support.interval, values_of(distribution)
    lb = -math.inf if distribution.lb is None else distribution.lb
    ub = math.inf if distribution.ub is None else distribution.ub
    return max(low, least, lb), min(high, most, ub)


def values_of(distribution: Distribution) -> tuple[float, float]:
    """Least and greatest value of the distribution without its bounds."""
    kind = kind_of(distribution)
    return distribution.args if kind.ordered else VALUES[kind.support]


def typical_scale(distribution: Distribution) -> float | None:
    """A finite spread, near the standard deviation where there is one; None for flat."""
    scale = kind_of(distribution).scale
    return None if scale is None else float(scale(*distribution.args))


def parse_distribution(text: str) -> Distribution:
    """The distribution written as in brms: ``"normal(0, 0.2)"``, ``""`` for flat.

    Raises:
        PriorError: malformed text, an unknown name, or arguments it cannot have.
    """
    if text.strip() in FLAT_TEXTS:
        return FLAT
    call = parse_call(text)
    kind = _find_kind(text, call)
    if kind.support == SHRINKAGE:
        return parse_shrinkage(text, call)
    call = _spread(text, call) if kind.several else call
    kind = replace(kind, parameters=kind.parameters * len(call.arguments)) if kind.several else kind
    args = tuple(_parse_number(text, argument, kind) for argument in call.arguments)
    _check_count(text, call, kind)
    _check_arguments(text, call, kind, args)
    return Distribution(kind.name, args)


def _spread(text: str, call: Call) -> Call:
    """``dirichlet(c(2, 1, 1))`` with the numbers as arguments."""
    if len(call.arguments) == 1 and call.arguments[0].value.startswith("c("):
        inner = parse_call(
            text, call.arguments[0].start, call.arguments[0].start + len(call.arguments[0].value)
        )
        return replace(call, arguments=inner.arguments)
    return call


def _find_kind(text: str, call: Call) -> DistributionKind:
    name = ALIASES.get(call.name, call.name)
    if name not in DISTRIBUTIONS:
        hint = did_you_mean(name, DISTRIBUTIONS) or f"; available: {', '.join(DISTRIBUTIONS)}"
        raise point_at(text, call.start, f"unknown distribution {call.name!r}{hint}")
    return DISTRIBUTIONS[name]


def _check_count(text: str, call: Call, kind: DistributionKind) -> None:
    wanted, got = len(kind.parameters), len(call.arguments)
    if wanted != got:
        noun = "argument" if wanted == 1 else "arguments"
        message = f"{call.name} takes {wanted} {noun} {kind.signature}, got {got}"
        raise point_at(text, call.start, message)


def _check_arguments(text: str, call: Call, kind: DistributionKind, args: tuple[float, ...]) -> None:
    for name, value, argument in zip(kind.parameters, args, call.arguments, strict=True):
        if name in kind.positive and value <= 0:
            message = f"{name} of {call.name}{kind.signature} must be above 0, got {value:g}"
            raise point_at(text, argument.start, message)
    if kind.ordered and args[0] >= args[1]:
        message = f"{call.name} needs lower < upper, got {args[0]:g} and {args[1]:g}"
        raise point_at(text, call.arguments[0].start, message)


def _parse_number(text: str, argument: Argument, kind: DistributionKind) -> float:
    if argument.name:
        raise point_at(text, argument.start, f"arguments go by position: {kind.name}{kind.signature}")
    try:
        return evaluate_number(argument.value)
    except ValueError as error:
        raise point_at(text, argument.start, str(error)) from error
