"""Intraclass correlations: the share of variance that lies between the levels of a factor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hmlm.results.covariances import RESIDUAL, Component, components, sigma_names
from hmlm.results.latent import LATENT, Latent
from hmlm.results.table import estimates
from hmlm.results.unknown import check_factor
from hmlm.spec.families import FAMILIES
from hmlm.spec.hint import listed
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

INTERCEPT = "Intercept"
Key = tuple[str, str]  # group, outcome


def icc(fit: Fit, group: str | None = None, prob: float = 0.95) -> pd.DataFrame:
    """Intraclass correlation: the share of variance that the intercepts of a factor's levels have.

    Draw by draw, ``tau_0² / (variance of all group effects + residual variance)``; where slopes vary, the
    variance of group effects is its mean over the rows, and the share is only that of the intercepts. It is
    the adjusted one: what predictors explain counts in neither. Where standard deviations depend on
    covariates of levels, ``bf(..., sd=...)``, the share is that at their mean.

    The residual variance is sigma² of gaussian and lognormal outcomes (of the logarithm), ``sigma² nu / (nu -
    2)`` of Student's; of others the distribution-specific variance on the scale of the link: ``pi² / 3`` for
    logit, 1 for probit, ``pi² / 6`` for cloglog; with log link ``log(1 + 1/mu)`` for Poisson and ``log(1 +
    1/mu + 1/shape)`` for negative binomial counts, where mu is the expected count averaged over rows and
    levels, and ``trigamma(shape)`` for gamma outcomes.

    Args:
        group: the factor wanted; None takes all whose intercept varies.
        prob: probability of the interval.

    Returns:
        A row per factor, and per outcome where there are several.

    Raises:
        HmlmError: where there is no one share: sigma or shape has a formula, the family has no such variance,
            no varying intercept.

    References:
        Nakagawa et al. (2017), doi:10.1098/rsif.2017.0213; Johnson (2014), doi:10.1111/2041-210X.12225
    """
    shares = icc_draws(fit, group)
    columns = estimates(np.array(list(shares.values())), prob)
    return pd.DataFrame(columns, index=_index(list(shares)))


def icc_draws(fit: Fit, group: str | None = None) -> dict[Key, np.ndarray]:
    """(C, S) draws of the share by group and outcome (``""`` for a lone outcome).

    ``tau_0² / (sum of the groups' variances + residual variance)``

    Raises:
        HmlmError: where it is not defined, saying why.
    """
    _check(fit, group)
    by_outcome = (_of_outcome(fit, outcome) for outcome in sigma_names(fit))
    shares = {key: share for found in by_outcome for key, share in found.items()}
    if not shares:
        raise HmlmError("no intercept varies: an intraclass correlation needs a term such as (1 | id)")
    chosen = {key: share for key, share in shares.items() if group in (None, key[0])}
    if not chosen:
        raise HmlmError(f"the intercept does not vary by '{group}': write (1 + x | {group}) for (0 + x | …)")
    return chosen


def _check(fit: Fit, group: str | None) -> None:
    if group is not None:
        check_factor(group, [name for name, _ in fit.info.factors])
    if fit.spec is not None and fit.spec.repeated:
        raise HmlmError(
            f"residuals of a series correlate, {fit.spec.autocor.term}, so that groups are only a part of "
            "what rows share; compute the share that you mean from the draws: under cosy() two rows of a "
            "series share fit['cosy'] of the residual variance"
        )
    if fit.spec is not None and fit.spec.autocor is not None:
        raise HmlmError(
            "residuals follow each other, ar(), so that sigma is not their standard deviation and groups are "
            "only a part of what rows share; compute the share that you mean from the draws: with cov = TRUE "
            "residuals have the variance fit['sigma'] ** 2 / (1 - fit['ar[1]'] ** 2)"
        )
    for outcome in sigma_names(fit):
        for dpar in latent_of(fit).reads:
            if dpar != "mu" and _constant(dpar, outcome) not in fit.posterior:
                of = f" of {outcome}" if outcome else ""
                raise HmlmError(
                    f"{dpar}{of} has a formula: the residual variance differs from row to row, and with it "
                    "the share of the groups, so that there is no one intraclass correlation. Compute it "
                    "from the draws for the values you mean: of fit['sd_id__Intercept'] ** 2 and, where log "
                    f"{dpar} is its intercept, np.exp(2 * fit['b_{dpar}_Intercept'])"
                )


def latent_of(fit: Fit) -> Latent:
    """Variance around the linear predictor of the fit's family.

    Raises:
        HmlmError: none is known for this family and link.
    """
    family = next(word for word in re.findall(r"\w+", fit.info.family) if word != "MV")
    if fit.spec is None and family != "gaussian":
        raise HmlmError(
            f"icc of the family {family} needs the model: call it on the fit that m.fit(...) returned"
        )
    link = "identity" if fit.spec is None else fit.spec.family.links[0]
    if (family, link) not in LATENT:
        known = sorted({name for name, _ in LATENT if name in FAMILIES})
        others = "" if family not in known else f" with link {listed([k for n, k in LATENT if n == family])}"
        raise HmlmError(
            f"icc knows no residual variance of the family {family} with link {link}"
            f"{f'; it does{others}' if others else f'; families with one: {listed(known)}'}"
        )
    return LATENT[family, link]


def _constant(dpar: str, outcome: str) -> str:
    return f"{dpar}_{outcome}" if outcome else dpar


def _of_outcome(fit: Fit, outcome: str) -> dict[Key, np.ndarray]:
    groups = [component for component in components(fit) if component.group != RESIDUAL]
    prefix = f"{outcome}_" if outcome else ""
    between = sum(_variance(fit, component, outcome, prefix) for component in groups)
    total = between + _residual(fit, outcome, between)
    name = prefix + INTERCEPT
    own = {c.group: c.sd[c.terms.index(name)] ** 2 for c in groups if name in c.terms}
    return {(group, outcome): variance / total for group, variance in own.items()}


def _residual(fit: Fit, outcome: str, between: np.ndarray) -> np.ndarray | float:
    """(C, S) variance around the linear predictor, given that of the group effects."""
    latent = latent_of(fit)
    values = {
        dpar: fit.posterior[_constant(dpar, outcome)].transpose("chain", "draw").values
        for dpar in latent.reads
        if dpar != "mu"
    }
    if "mu" in latent.reads:
        values["mu"] = _mean_count(fit, outcome, between)
    return latent.variance(values)


def _mean_count(fit: Fit, outcome: str, between: np.ndarray) -> np.ndarray:
    """(C, S) expected outcome under a log link: mean over rows of ``exp(eta + between / 2)``.

    eta is the population-level linear predictor, offsets included.
    """
    found = fit.prediction("epred", re_formula="NA", **({"resp": outcome} if outcome else {}))
    total = sum(values[0].sum(axis=0) for _, values in found.chunks())
    return (total / len(found.labels)).reshape(between.shape) * np.exp(between / 2)


def _variance(fit: Fit, component: Component, outcome: str, prefix: str) -> np.ndarray:
    """(C, S) variance that a factor adds to an outcome, the mean over rows where slopes vary."""
    chosen = [i for i, term in enumerate(component.terms) if term.startswith(prefix)]
    names = [component.terms[i].removeprefix(prefix) for i in chosen]
    covariance = component.covariance()[:, :, chosen][:, :, :, chosen]
    if set(names) <= {INTERCEPT}:
        return covariance.sum(axis=(2, 3))
    return np.einsum("csij,ij->cs", covariance, _moments(fit, component.group, outcome, names))


def _moments(fit: Fit, group: str, outcome: str, names: list[str]) -> np.ndarray:
    """(Q, Q) means over rows of the products of the varying coefficients' columns."""
    if fit.design is None:
        raise HmlmError(
            f"slopes vary by '{group}', and their variance needs the data: call icc on the fit that "
            "m.fit(...) returned"
        )
    columns = {}
    for predictor in fit.design.predictors:
        if predictor.dpar == "mu" and outcome in ("", predictor.response):
            for part in predictor.groups:
                if part.term.factor == group:
                    columns |= dict(zip(part.names, part.matrix.T, strict=True))
    z = np.array([columns[name] for name in names])
    return z @ z.T / z.shape[1]


def _index(keys: list[Key]) -> pd.Index:
    if any(outcome for _, outcome in keys):
        return pd.MultiIndex.from_tuples(keys, names=["group", "outcome"])
    return pd.Index([group for group, _ in keys], dtype=object, name="group")
