"""How much a posterior leans on its priors and on its data, by power-scaling either of them.

The posterior under ``p(theta)^alpha`` or ``p(y | theta)^alpha`` is had from the draws by importance weights
``p^(alpha - 1)``, smoothed by PSIS. The sensitivity of a parameter is the slope, at alpha = 1 and over
``log2 alpha``, of the cumulative Jensen-Shannon distance between its distributions.

References:
    Kallioinen, Paananen, Bürkner & Vehtari (2024), doi:10.1007/s11222-023-10366-5
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.density.log_prior import log_prior as log_prior_of
from hmlm.results.loo import blocks_of
from hmlm.results.table import labels
from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

ALPHAS = (0.99, 1.01)
CONFLICT = "potential prior-data conflict"
STRONG = "potential strong prior / weak likelihood"
FINE = "-"


def log_prior(fit: Fit) -> xr.Dataset:
    """Log prior density of every draw, parameter by parameter: ArviZ's group ``log_prior``.

    Returns:
        A variable per parameter that has a prior, dims ``(chain, draw)``: 0 where it is flat; a block's
        correlations are together, ``cor_id``, up to a constant.

    Raises:
        HmlmError: the fit was read from a file that does not hold its model.
    """
    if fit.spec is None or fit.design is None:
        raise HmlmError("log_prior needs the model, which this fit's file does not hold: fit it anew")
    draws = {str(name): fit.posterior[name].values for name in fit.posterior}
    found = log_prior_of(fit.spec, fit.design, draws)
    return xr.Dataset(
        {name: (("chain", "draw"), value) for name, value in found.items()}, fit.posterior.coords
    )


def prior_sensitivity(
    fit: Fit,
    *,
    priors: str | Sequence[str] | None = None,
    group: str | None = None,
    threshold: float = 0.05,
    samples: int = 50,
) -> pd.DataFrame:
    """How sensitive each parameter is to its priors and to the likelihood, by power-scaling (priorsense).

    Both are 0 where scaling changes nothing. Where both are above the threshold prior and data may disagree;
    where only the prior's is, the prior decides more than the data.

    Args:
        priors: names of :meth:`log_prior` whose priors are scaled, ``"sd_id__Intercept"``; None scales all.
        group: the likelihood scaled is that of the levels of this factor, its effects integrated out. None
            takes the factor that all others are nested in; without one the likelihood of rows given their
            effects.
        threshold: of the diagnosis.
        samples: of :meth:`log_lik`, where effects on a scale are integrated out.

    Returns:
        A row per parameter of the summary, columns prior, likelihood and diagnosis.

    Raises:
        HmlmError: a fit of the prior, an unknown name or factor, or a fit without its model.

    References:
        Kallioinen et al. (2024), doi:10.1007/s11222-023-10366-5
    """
    if fit.info.of_prior:
        raise HmlmError("these draws are of the prior alone: call prior_sensitivity on a fit, m.fit(...)")
    scaled = [_chosen(fit, priors), _log_likelihood(fit, group, samples)]
    prior, likelihood = (sensitivities(fit.values, component) for component in scaled)
    diagnosis = [_diagnosis(*pair, threshold) for pair in zip(prior, likelihood, strict=True)]
    columns = {"prior": prior, "likelihood": likelihood, "diagnosis": diagnosis}
    return pd.DataFrame(columns, index=labels(fit.info.rows))


def _chosen(fit: Fit, priors: str | Sequence[str] | None) -> np.ndarray:
    """(C, S) log prior of the parameters chosen."""
    known = log_prior(fit)
    names = [priors] if isinstance(priors, str) else priors
    for name in names or ():
        if name not in known:
            options = [str(option) for option in known]
            raise HmlmError(f"no prior of {name!r}{did_you_mean(name, options)} (priors: {listed(options)})")
    return sum(known[name].values for name in (known if names is None else names))


def _log_likelihood(fit: Fit, group: str | None, samples: int) -> np.ndarray:
    """(C, S) log likelihood of all data."""
    group = _outermost(fit.spec) if group is None else group
    if group is not None:
        return fit.log_lik(group, samples).sum(group).values
    total = sum(block.log_lik.sum(axis=0) for block in blocks_of(fit, cdf=False))
    return total.reshape(fit.values.shape[1:])


def _outermost(spec: Spec) -> str | None:
    """The factor that all others are nested in: with its levels' effects all effects are integrated out."""
    for f, factor in enumerate(spec.factors):
        if all(f in other.within for other in spec.factors if other is not factor):
            return factor.name
    return None


def sensitivities(values: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    """(P,) sensitivities of (P, C, S) draws to a component with (C, S) log density."""
    if np.ptp(log_density) == 0:
        return np.zeros(len(values))
    from arviz_stats.base import array_stats  # takes a second, and most fits never need it

    lower, upper = (_weights(array_stats, log_density, alpha) for alpha in ALPHAS)
    return np.array([float(array_stats.power_scale_sense(one, lower, upper, *ALPHAS)) for one in values])


def _weights(array_stats: Any, log_density: np.ndarray, alpha: float) -> np.ndarray:
    """(C, S) weights that sum to one."""
    log_weights = array_stats.power_scale_lw(log_density.ravel(), alpha=alpha)
    weights = np.exp(log_weights - np.max(log_weights))
    return (weights / weights.sum()).reshape(log_density.shape)


def _diagnosis(prior: float, likelihood: float, threshold: float) -> str:
    if prior < threshold:
        return FINE
    return CONFLICT if likelihood >= threshold else STRONG
