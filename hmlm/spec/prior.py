"""Priors as the user states them: ``prior("normal(0, 1)", class_="b")``, dicts, or text pasted from R."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hmlm.spec.bounds import BOUNDED_CLASS, bounds_text, is_bounded, lies_within_bounds, with_bounds
from hmlm.spec.distribution import kind_of, parse_distribution
from hmlm.spec.families import FAMILIES
from hmlm.spec.hint import did_you_mean, listed, point_at
from hmlm.spec.rcall import Call, blank_comments, parse_call, split_top_level, unquote
from hmlm.spec.shrinkage import SHRINKAGE, is_shrinkage
from hmlm.spec.support import Support
from hmlm.types import Prior, PriorError


@dataclass(frozen=True)
class PriorClass:
    """A class of parameters: what may narrow its priors down, and the supports these may have."""

    fields: tuple[str, ...]
    supports: tuple[str, ...]
    advice: str


ANY_VALUE = "that has no lower bound; priors that start at 0 are for class 'sd' or 'sigma'"
ANY_COEFFICIENT = f"{ANY_VALUE}, or for coefficients with a lower bound, lb=0"
POSITIVE = "a standard deviation; use for example exponential(1) or student_t(3, 0, 2.5)"
CORRELATION = "a correlation matrix; use lkj(eta), where lkj(1) is flat"

SIMPLEX = "the steps of a monotonic effect; use dirichlet(1), or dirichlet(c(2, 1, 1)) with one number a step"

SUPPORTS = {
    Support.REAL: ("real", "interval"),
    Support.POSITIVE: ("real", "interval", "positive"),
    Support.UNIT: ("real", "interval", "unit"),
    Support.ABOVE_ONE: ("real", "interval", "positive"),
    Support.CORRELATION: ("real", "interval", "unit"),
}
ADVICE = {
    Support.REAL: "that has no bounds",
    Support.POSITIVE: "which is above 0; use for example gamma(2, 0.5)",
    Support.UNIT: "which lies between 0 and 1; use beta(a, b), where beta(1, 1) is flat",
    Support.ABOVE_ONE: "which is above 1; use for example gamma(2, 0.1)",
    Support.CORRELATION: "which lies between -1 and 1; use for example normal(0, 0.5)",
}


def _constants() -> Iterator[tuple[str, Support]]:
    """The distributional parameters of all families but mu, sigma and those that are never one number."""
    parameters = (p for family in FAMILIES.values() for p in family.parameters if p.fixed is None)
    yield from sorted(
        {(p.name, p.support) for p in parameters if p.name not in ("mu", "sigma")}, key=lambda pair: pair[0]
    )


CLASSES = {
    "Intercept": PriorClass(("resp", "dpar"), ("real", "interval"), ANY_VALUE),
    "b": PriorClass(("coef", "resp", "dpar"), ("real", "interval", SHRINKAGE), ANY_COEFFICIENT),
    "sd": PriorClass(("coef", "group", "resp", "dpar"), ("real", "interval", "positive"), POSITIVE),
    "cor": PriorClass(("group",), ("corr",), CORRELATION),
    "sigma": PriorClass(("resp",), ("real", "interval", "positive"), POSITIVE),
    **{dpar: PriorClass(("resp",), SUPPORTS[support], ADVICE[support]) for dpar, support in _constants()},
    "ar": PriorClass(("resp",), SUPPORTS[Support.CORRELATION], ADVICE[Support.CORRELATION]),
    "sds": PriorClass(("coef", "resp", "dpar"), ("real", "interval", "positive"), POSITIVE),
    "simo": PriorClass(("coef", "resp", "dpar"), ("simplex",), SIMPLEX),
    "cosy": PriorClass(("resp",), SUPPORTS[Support.UNIT], ADVICE[Support.UNIT]),
    "cortime": PriorClass(("resp",), ("corr",), CORRELATION),
    "rescor": PriorClass((), ("corr",), CORRELATION),
}

BY_POSITION = ("prior", "class", "coef", "group", "resp", "dpar")
NARROWING = BY_POSITION[2:]
FIELDS = (*BY_POSITION, "lb", "ub")
R_FUNCTIONS = ("prior", "set_prior", "prior_string")
ASSIGNMENT = re.compile(
    r"\s*[A-Za-z.][\w.]*\s*(?:=|<-)(?=\s*(?:c|brms::\w+|prior|set_prior|prior_string)\s*\()"
)


def prior(
    text: str,
    class_: str = "b",
    *,
    coef: str = "",
    group: str = "",
    resp: str = "",
    dpar: str = "",
    lb: float | str | None = None,
    ub: float | str | None = None,
) -> Prior:
    """A prior, as brms's ``prior(normal(0, 1), class = b, coef = x)``.

    Args:
        text: the distribution, ``"normal(0, 1)"``; ``""`` is flat. Of class ``"b"`` also
            ``"horseshoe(df = 1, scale_global = 1, df_global = 1, scale_slab = 2, df_slab = 4,
            par_ratio = NULL, autoscale = TRUE)"`` and ``"R2D2(mean_R2 = 0.5, prec_R2 = 2, cons_D2 = 0.5,
            autoscale = TRUE)"``, which all coefficients without a prior of their own share.
        class_: ``"Intercept"``, ``"b"``, ``"sd"``, ``"cor"``, ``"sigma"``, ``"rescor"``,
            ``"simo"`` of monotonic effects, or ``"sds"`` of smooth functions.
        coef: name of one coefficient; of class Intercept the number of a threshold between levels.
        group: name of one grouping factor.
        resp: name of one outcome.
        dpar: distributional parameter with a formula; the mean's if empty.
        lb: lower bound of the coefficients of class ``"b"``: all of them, or the one that ``coef`` names.
            Their prior is truncated there.
        ub: upper bound.

    Raises:
        PriorError: malformed text, an unknown class, a distribution the class cannot have, or bounds that
            leave nothing.
    """
    fields = {"prior": text, "class_": class_, "coef": coef, "group": group, "resp": resp, "dpar": dpar}
    for name, value in fields.items():
        if not isinstance(value, str):
            raise PriorError(
                f'{name} of a prior is text, not {value!r}; write prior("normal(0, 1)", class_="b")'
            )
    distribution = with_bounds(parse_distribution(text), lb, ub)
    stated = Prior(distribution, class_, coef, group, resp, dpar)
    check_prior(stated)
    return stated


def as_priors(value: None | str | Prior | Mapping | Iterable) -> tuple[Prior, ...]:
    """All priors in ``value``: None, a prior, a dict as in model.yaml, text from R, or several of these.

    Raises:
        PriorError: something in ``value`` is not a prior.
    """
    match value:
        case None:
            return ()
        case Prior():
            return (value,)
        case str():
            return _from_r(value)
        case Mapping():
            return (_from_mapping(value),)
        case Iterable():
            return tuple(one for item in value for one in as_priors(item))
    raise PriorError(f'{value!r} is not a prior; write hm.prior("normal(0, 1)", class_="b")')


def prior_text(stated: Prior) -> str:
    """The prior as brms writes it, ``"prior(normal(0, 1), class = b, coef = x)"``."""
    fields = [("class", stated.class_)]
    fields += [(name, getattr(stated, name)) for name in NARROWING]
    shown = [str(stated.distribution), *(f"{name} = {value}" for name, value in fields if value)]
    bounds = bounds_text(stated.distribution)
    return f"prior({', '.join([*shown, bounds] if bounds else shown)})"


def check_prior(stated: Prior) -> None:
    """Raise PriorError if the class is unknown or cannot have such a field or distribution."""
    if stated.class_ not in CLASSES:
        hint = did_you_mean(stated.class_, CLASSES)
        raise PriorError(f"unknown prior class {stated.class_!r}{hint} (classes: {listed(CLASSES)})")
    _check_fields(stated, CLASSES[stated.class_])
    _check_bounds(stated)
    _check_shared(stated)
    _check_support(stated, CLASSES[stated.class_])


def _check_bounds(stated: Prior) -> None:
    if is_bounded(stated.distribution) and stated.class_ != BOUNDED_CLASS:
        raise PriorError(
            f"{prior_text(stated)}: lb and ub are for coefficients, class {BOUNDED_CLASS!r}; for another "
            "class choose a prior that has the bounds, such as uniform(0, 2)"
        )


def _check_shared(stated: Prior) -> None:
    """Raise PriorError for a prior of many coefficients on one, or between bounds."""
    if not is_shrinkage(stated.distribution):
        return
    if stated.coef:
        raise PriorError(
            f"{prior_text(stated)}: {stated.distribution.name} shrinks many coefficients together; leave "
            "coef out, and give those that are not to be shrunk a prior of their own"
        )
    if is_bounded(stated.distribution):
        raise PriorError(f"{prior_text(stated)}: coefficients that are shrunk have no bounds, lb or ub")


def _check_fields(stated: Prior, known: PriorClass) -> None:
    for name in NARROWING:
        if getattr(stated, name) and name not in known.fields and not _is_threshold(stated, name):
            takes = f"it takes {listed(known.fields)}" if known.fields else "it takes no other argument"
            raise PriorError(f"{prior_text(stated)}: class {stated.class_!r} has no {name}; {takes}")


def _is_threshold(stated: Prior, field: str) -> bool:
    """Whether a field is the number of one of the intercepts that a cumulative family has."""
    return field == "coef" and stated.class_ == "Intercept" and stated.coef.isdigit()


def _check_support(stated: Prior, known: PriorClass) -> None:
    kind = kind_of(stated.distribution)
    bounded = stated.class_ == BOUNDED_CLASS and lies_within_bounds(stated.distribution)
    if kind.support not in known.supports and (not bounded or kind.support == "corr"):
        reason = f"{kind.name} cannot be the prior of class {stated.class_!r}, {known.advice}"
        raise PriorError(f"{prior_text(stated)}: {reason}")
    if "positive" in known.supports and kind.ordered and stated.distribution.args[1] <= 0:
        raise PriorError(f"{prior_text(stated)}: all of this prior lies below 0, the lower bound")


def _from_mapping(fields: Mapping) -> Prior:
    named = {str(name).rstrip("_"): "" if value is None else str(value) for name, value in fields.items()}
    for name in named:
        if name not in FIELDS:
            hint = did_you_mean(name, FIELDS)
            raise PriorError(f"a prior has no {name!r}{hint} (it has {listed(FIELDS)})")
    if "prior" not in named:
        raise PriorError(f"{dict(fields)!r} has no 'prior'; write {{prior: \"normal(0, 1)\", class: b}}")
    return prior(named.pop("prior"), named.pop("class", "") or "b", **named)


def _from_r(text: str) -> tuple[Prior, ...]:
    clean = blank_comments(text).rstrip().removesuffix(",")
    assigned = ASSIGNMENT.match(clean)
    start = assigned.end() if assigned else 0
    return tuple(_r_priors(clean, start, len(clean)))


def _r_priors(text: str, start: int, end: int) -> Iterable[Prior]:
    for begin, stop in split_top_level(text, start, end, "+"):
        call = parse_call(text, begin, stop)
        if call.name == "c":
            for argument in call.arguments:
                yield from _r_priors(text, argument.start, argument.start + len(argument.value))
        else:
            yield _r_prior(text, call)


def _r_prior(text: str, call: Call) -> Prior:
    if call.name not in R_FUNCTIONS:
        message = f"expected prior(...), got {call.name}(...); write prior({call.name}(...), class = b)"
        raise point_at(text, call.start, message)
    fields: dict[str, str] = {}
    for position, argument in enumerate(call.arguments):
        name = argument.name or BY_POSITION[min(position, len(BY_POSITION) - 1)]
        if name in fields or name not in FIELDS:
            raise point_at(text, argument.start, _bad_argument(name, name in fields))
        fields[name] = unquote(argument.value)
    return _from_mapping(fields)


def _bad_argument(name: str, repeated: bool) -> str:
    if repeated:
        return f"argument {name!r} is given twice"
    hint = did_you_mean(name, FIELDS)
    return f"prior has no argument {name!r} here{hint} (it has {listed(FIELDS)})"
