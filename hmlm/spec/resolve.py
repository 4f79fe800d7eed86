"""Which of the stated priors a parameter gets, and the error of a prior that reaches none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hmlm.spec.bounds import inherited, is_bounded
from hmlm.spec.defaults import default_prior
from hmlm.spec.family import Family
from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.prior import check_prior, prior_text
from hmlm.spec.spec import RESCOR_DPAR
from hmlm.spec.target import Target
from hmlm.types import Distribution, Prior, PriorError

FIELDS = ("class_", "dpar", "resp", "group", "coef")

MISSING_CLASS = {
    "Intercept": "the formula has no intercept",
    "b": "the formula has no population-level coefficients",
    "sd": "the formula has no group-level terms like (1 | id)",
    "sds": "the formula has no smooth function s(x)",
    "simo": "the formula has no monotonic effect mo(x)",
    "cor": "no group-level effects are correlated: that takes two of them and one bar, (1 + x | id); "
    "rho of cs(), ar1() and the like is uniform",
    "sigma": 'sigma has a formula: use class_="Intercept" (or "b", "sd") with dpar="sigma"',
    "ar": "residuals are independent: write ar(time, gr = id) in the formula of the mean",
    "cosy": "the residuals of series are not alike: write cosy(gr = id) in the formula of the mean",
    "cortime": "residuals have no correlations between times: write unstr(time, gr = id) in the formula",
    "rescor": "the model has no residual correlation: several outcomes and set_rescor(True) give one; "
    'a formula for it takes class_="Intercept" (or "b", "sd") with dpar="rescor"',
}
INTERCEPT_AS_COEFFICIENT = (
    'the intercept has its own class: use class_="Intercept", or write "0 + Intercept" for a coefficient'
)


@dataclass(frozen=True)
class PriorBook:
    """The stated priors and what the defaults need: the family, and each outcome's values by its name."""

    priors: tuple[Prior, ...]
    family: Family
    values: Mapping[str, np.ndarray]

    def find(self, target: Target) -> Distribution:
        """The prior in force for ``target``: the most specific one stated, the last of equals.

        It keeps the bounds of the less specific ones.

        Raises:
            PriorError: bounds that contradict each other.
        """
        reaching = reaching_priors(self.priors, target)
        if not reaching:
            return default_prior(target, self.family, self.values.get(target.resp))
        own, *general = (prior.distribution for prior in reaching)
        return inherited(own, general, _who(target)) if any(map(is_bounded, (own, *general))) else own


def reaching_priors(priors: tuple[Prior, ...], target: Target) -> list[Prior]:
    """The priors that speak of ``target``, the most specific first, and of equals only the last."""
    by_rank = {specificity(prior): prior for prior in priors if reaches(prior, target)}
    return [by_rank[rank] for rank in sorted(by_rank, reverse=True)]


def _who(target: Target) -> str:
    return f"class {target.class_}" + (f", coef {target.coef}" if target.coef else "")


def reaches(prior: Prior, target: Target) -> bool:
    """Whether ``prior`` speaks of ``target``."""
    return all(_matches(prior, target, field) for field in FIELDS)


def specificity(prior: Prior) -> tuple[int, bool, bool]:
    """Sorts priors: a coefficient beats a group, a group an outcome, an outcome the class.

    The intercept is a coefficient by its class; one of several thresholds beats all of them.
    """
    return bool(prior.coef) + (prior.class_ == "Intercept"), bool(prior.group), bool(prior.resp)


def check_priors(priors: tuple[Prior, ...], targets: tuple[Target, ...]) -> None:
    """Raise PriorError for a prior that is invalid, lacks its outcome or reaches nothing."""
    outcomes = {target.resp for target in targets if target.resp}
    for prior in priors:
        check_prior(prior)
        if len(outcomes) > 1:
            _check_outcome_named(prior, targets)
        if not any(reaches(prior, target) for target in targets):
            raise PriorError(_unreached(prior, targets))


def asked_value(prior: Prior, field: str) -> str:
    """The prior's field as targets spell it: mu spelled out, outcomes without dots."""
    value = getattr(prior, field)
    if field == "dpar":
        return value or "mu"
    return re.sub(r"[._]", "", value) if field == "resp" else value


def inventory(targets: tuple[Target, ...]) -> str:
    """What priors can reach, one line per class: ``class = sd, group = id: Intercept, day``."""
    shared = len({target.resp for target in targets if target.resp}) == 1
    lines: dict[str, list[str]] = {}
    for target in targets:
        lines.setdefault(_address(target, shared), []).append(target.coef)
    return "\n".join(f"  {address}{_coefficients(names)}" for address, names in lines.items())


def _matches(prior: Prior, target: Target, field: str) -> bool:
    asked, has = asked_value(prior, field), getattr(target, field)
    if field == "class_":
        return asked == has or (asked == "Intercept" and target.uncentered_intercept)
    return asked in ("", has)


def _check_outcome_named(prior: Prior, targets: tuple[Target, ...]) -> None:
    of_every_mu = prior.class_ in ("b", "Intercept") and asked_value(prior, "dpar") == "mu"
    if prior.resp or of_every_mu or prior.class_ in ("cor", "rescor") or prior.dpar == RESCOR_DPAR:
        return
    outcomes = listed(target.resp for target in targets if target.resp)
    raise PriorError(f"{prior_text(prior)}: with several outcomes say which one, resp = one of {outcomes}")


def _unreached(prior: Prior, targets: tuple[Target, ...]) -> str:
    candidates = targets
    for field in FIELDS:
        left = tuple(target for target in candidates if _matches(prior, target, field))
        if not left:
            break
        candidates = left
    reason = _reason(prior, field, candidates)
    return f"{prior_text(prior)} reaches no parameter: {reason}\nThis model has\n{inventory(targets)}"


def _reason(prior: Prior, field: str, candidates: tuple[Target, ...]) -> str:
    if prior.class_ == "b" and prior.coef == "Intercept":
        return INTERCEPT_AS_COEFFICIENT
    if field == "class_":
        return MISSING_CLASS.get(prior.class_) or _missing_constant(prior.class_)
    options = dict.fromkeys(getattr(target, field) for target in candidates)
    if field == "dpar" and not prior.dpar:
        return f"without dpar it is for mu; say dpar = one of {listed(options)}"
    asked = getattr(prior, field)
    choice = f"{listed(options)}{did_you_mean(asked, options)}"
    return f"no {field} {asked!r} in class {prior.class_!r}, only {choice}"


def _missing_constant(dpar: str) -> str:
    return (
        f'{dpar} has a formula, where class_="Intercept" (or "b", "sd") with dpar="{dpar}" reaches it, '
        "or the family has no such parameter"
    )


def _address(target: Target, hide_outcome: bool) -> str:
    fields = {
        "class": target.class_,
        "group": target.group,
        "resp": "" if hide_outcome else target.resp,
        "dpar": "" if target.dpar == "mu" else target.dpar,
    }
    return ", ".join(f"{name} = {value}" for name, value in fields.items() if value)


def _coefficients(names: list[str]) -> str:
    return f": {', '.join(names)}" if any(names) else ""
