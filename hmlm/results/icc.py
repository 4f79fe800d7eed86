"""Intraclass correlations: the share of variance that lies between the levels of a factor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hmlm.results.covariances import RESIDUAL, Component, components, sigma_names
from hmlm.results.table import estimates
from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

INTERCEPT = "Intercept"
Key = tuple[str, str]  # group, outcome


def icc_table(fit: Fit, group: str | None = None, prob: float = 0.95) -> pd.DataFrame:
    """Estimate, error and interval of each share; see :meth:`Fit.icc`."""
    shares = icc_draws(fit, group)
    columns = estimates(np.array(list(shares.values())), prob)
    return pd.DataFrame(columns, index=_index(list(shares)))


def icc_draws(fit: Fit, group: str | None = None) -> dict[Key, np.ndarray]:
    """(C, S) draws of the share by group and outcome (``""`` for a lone outcome).

    ``tau_0² / (sum of the groups' variances + sigma²)``

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
    factors = [name for name, _ in fit.info.factors]
    if group is not None and group not in factors:
        hint = did_you_mean(group, factors) or f"; the model has {', '.join(factors) or 'none'}"
        raise HmlmError(f"no grouping factor '{group}'{hint}")
    if not set(re.findall(r"\w+", fit.info.family)) <= {"MV", "gaussian"}:
        raise HmlmError(f"icc is defined for gaussian models, this one is {fit.info.family}")
    if fit.spec is not None and fit.spec.autocor is not None:
        raise HmlmError(
            "residuals follow each other, ar(), so that sigma is not their standard deviation and groups are "
            "only a part of what rows share; compute the share that you mean from the draws: with cov = TRUE "
            "residuals have the variance fit['sigma'] ** 2 / (1 - fit['ar[1]'] ** 2)"
        )
    for outcome, sigma in sigma_names(fit).items():
        if sigma not in fit.posterior:
            of = f" of {outcome}" if outcome else ""
            raise HmlmError(
                f"sigma{of} has a formula: the residual variance differs from row to row, and with it the "
                "share of the groups, so that there is no one intraclass correlation. Compute it from the "
                "draws for the values you mean: of fit['sd_id__Intercept'] ** 2 and, where log sigma is its "
                "intercept, np.exp(2 * fit['b_sigma_Intercept'])"
            )


def _of_outcome(fit: Fit, outcome: str) -> dict[Key, np.ndarray]:
    groups = [component for component in components(fit) if component.group != RESIDUAL]
    prefix = f"{outcome}_" if outcome else ""
    total = fit.posterior[sigma_names(fit)[outcome]].transpose("chain", "draw").values ** 2
    for component in groups:
        total = total + _variance(fit, component, outcome, prefix)
    name = prefix + INTERCEPT
    own = {c.group: c.sd[c.terms.index(name)] ** 2 for c in groups if name in c.terms}
    return {(group, outcome): variance / total for group, variance in own.items()}


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
