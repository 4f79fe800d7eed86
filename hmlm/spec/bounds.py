"""Bounds of priors, ``prior("normal(0, 1)", lb=0)``: how they are read, checked and inherited."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from numbers import Real

from hmlm.spec.distribution import values_of
from hmlm.spec.number import evaluate_number
from hmlm.types import Distribution, PriorError

NONE = ("", "NA", "NULL", "None", "-Inf", "Inf")
BOUNDED_CLASS = "b"


def with_bounds(distribution: Distribution, lb: object, ub: object) -> Distribution:
    """The distribution between two bounds, numbers or their text; None and R's NA are no bound.

    Raises:
        PriorError: a bound is no number, or nothing lies between them.
    """
    bounded = replace(distribution, lb=_bound("lb", lb), ub=_bound("ub", ub))
    check_not_empty(bounded, bounds_text(bounded))
    return bounded


def bounds_text(distribution: Distribution) -> str:
    """``"lb = 0, ub = 1"``, as far as there are bounds."""
    pairs = (("lb", distribution.lb), ("ub", distribution.ub))
    return ", ".join(f"{name} = {value:g}" for name, value in pairs if value is not None)


def is_bounded(distribution: Distribution) -> bool:
    """Whether it has a bound of its own."""
    return distribution.lb is not None or distribution.ub is not None


def lies_within_bounds(distribution: Distribution) -> bool:
    """Whether the bounds leave the distribution whole: one of positive values with ``lb=0``."""
    least, most = values_of(distribution)
    lower = least == -math.inf or (distribution.lb is not None and distribution.lb >= least)
    upper = most == math.inf or (distribution.ub is not None and distribution.ub <= most)
    return lower and upper


def check_not_empty(distribution: Distribution, who: str) -> None:
    """Raise PriorError if no value lies between the bounds, or the distribution has none there."""
    lb = -math.inf if distribution.lb is None else distribution.lb
    ub = math.inf if distribution.ub is None else distribution.ub
    if lb >= ub:
        raise PriorError(f"{who}: the lower bound lb must be below the upper bound ub")
    least, most = values_of(distribution)
    if max(lb, least) >= min(ub, most):
        raise PriorError(f"{who}: all values of {distribution} lie outside these bounds")


def inherited(own: Distribution, general: Iterable[Distribution], who: str) -> Distribution:
    """``own`` between the bounds of more general priors too, which it may narrow but not widen.

    Args:
        own: the prior in force.
        general: others that reach the same parameter.
        who: the parameter, for errors.

    Raises:
        PriorError: bounds that contradict each other.
    """
    for other in general:
        _check_not_wider(own, other, who)
        own = replace(own, lb=_tighter(max, own.lb, other.lb), ub=_tighter(min, own.ub, other.ub))
    check_not_empty(own, f"{who}: {bounds_text(own)}")
    return own


def prior_and_bounds(distribution: Distribution) -> str:
    """``"normal(0, 1), lb = 0"``: a prior in force."""
    bounds = bounds_text(distribution)
    return f"{distribution}, {bounds}" if bounds else str(distribution)


def _check_not_wider(own: Distribution, other: Distribution, who: str) -> None:
    low = own.lb is not None and other.lb is not None and own.lb < other.lb
    high = own.ub is not None and other.ub is not None and own.ub > other.ub
    if low or high:
        raise PriorError(
            f"{who}: conflicting bounds: {bounds_text(own)} goes beyond {bounds_text(other)} of its class; "
            "a coefficient may narrow the bounds of its class, not widen them"
        )


def _tighter(choose, one: float | None, other: float | None) -> float | None:
    known = [bound for bound in (one, other) if bound is not None]
    return choose(known) if known else None


def _bound(name: str, value: object) -> float | None:
    if value is None or (isinstance(value, str) and value.strip() in NONE):
        return None
    try:
        number = evaluate_number(value) if isinstance(value, str) else _real(value)
    except ValueError as error:
        raise PriorError(f"{name} of a prior: {error}") from error
    return number if math.isfinite(number) else None


def _real(value: object) -> float:
    if isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value):
        return float(value)
    raise ValueError(f"{value!r} is not a number; write one like 0, or leave it out for no bound")
