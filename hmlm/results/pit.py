"""Probability integral transforms: where each outcome lies in the distribution that the model predicts.

Of counts, whose distribution has steps, a point within the step of the outcome is chosen at random, with the
seed of the fit, so that the transform is uniform if the model is right.

References:
    Gabry et al. (2019), doi:10.1111/rssa.12378: LOO-PIT
    Dunn & Smyth (1996), doi:10.1080/10618600.1996.10474708: randomised quantile residuals
    Czado, Gneiting & Held (2009), doi:10.1111/j.1541-0420.2009.01191.x: counts
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.special import logsumexp, ndtri

from hmlm.density.laws.registry import law_of
from hmlm.results.loo import blocks_of, relative_efficiency
from hmlm.results.pareto import good_k
from hmlm.types import ComparisonWarning, HmlmError

if TYPE_CHECKING:
    from hmlm.density.row_blocks import RowBlock
    from hmlm.results.fit import Fit

FARTHEST = 1e-12  # probabilities nearer to 0 or 1 have quantiles of this one


def loo_pit(fit: Fit) -> xr.Dataset:
    """Probability of each outcome below the one observed, predicted without its row (LOO-PIT).

    Uniform on (0, 1) if the model is right: a hump says that its spread is too wide, a bowl too narrow, a
    slope that it is off to one side. Of counts the probability of smaller ones and a random share, by the
    seed of the fit, of that of the count itself.

    Returns:
        A variable per outcome, dims ``(row,)``.

    Raises:
        HmlmError: censored outcomes, a family without a distribution function, or a fit without its data.
    """
    check_pit(fit)
    r_eff = relative_efficiency(fit)
    values, khat = _joined(fit, lambda block: psis_weights(block, r_eff))
    _warn_about_pit(khat, fit.n_draws)
    variables = {str(name): ("row", pit) for name, pit in zip(fit.observed, values, strict=True)}
    return xr.Dataset(variables, {"row": fit.observed["row"].values})


def quantile_residuals(fit: Fit) -> np.ndarray:
    """(M, N) normal quantiles of the probability of each outcome below the one observed, draws averaged."""
    check_pit(fit)
    values, _ = _joined(fit, even_weights)
    return ndtri(np.clip(values, FARTHEST, 1 - FARTHEST))


def has_pit(fit: Fit) -> bool:
    """Whether the family of a fit has a distribution function, and its outcomes are known exactly."""
    return fit.spec is not None and not _reason(fit)


def check_pit(fit: Fit) -> None:
    """Raise HmlmError where outcomes have no place in a predicted distribution."""
    if fit.spec is not None and (reason := _reason(fit)):
        raise HmlmError(f"{reason}; fit.loo() and fit.plot.pp_check() look at the fit without it")


def _reason(fit: Fit) -> str:
    spec = fit.spec
    for outcome, names in zip(spec.outcomes, spec.additions, strict=False):
        if "cens" in names:
            return f"outcome {outcome!r} is censored: where its value lies is known in some rows only"
    if not spec.normal and law_of(spec.family).log_cdf is None:
        return f"the family {spec.family.name} has no distribution function of its outcome"
    return ""


def psis_weights(block: RowBlock, r_eff: float) -> tuple[np.ndarray, np.ndarray]:
    """(n, S) weights that make the draws those without each row, and (n,) k-hat."""
    from arviz_stats.base import array_stats

    log_weights, khat = array_stats.psislw(block.log_lik, r_eff=r_eff, axis=-1)
    return np.exp(log_weights - logsumexp(log_weights, axis=-1, keepdims=True)), np.asarray(khat)


def even_weights(block: RowBlock) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`psis_weights` for the draws as they are."""
    return np.full(block.log_lik.shape, 1 / block.log_lik.shape[1]), np.zeros(len(block.log_lik))


def _joined(fit: Fit, weigh) -> tuple[np.ndarray, np.ndarray]:
    """(M, N) transforms and (N,) k-hat of all rows."""
    uniform = np.random.default_rng(fit.info.seed).uniform(
        size=(len(fit.observed), fit.observed.sizes["row"])
    )
    parts = [_pit(block, *weigh(block), uniform[:, block.rows]) for block in blocks_of(fit, cdf=True)]
    return np.concatenate([pit for pit, _ in parts], axis=1), np.concatenate([khat for _, khat in parts])


def _pit(
    block: RowBlock, weights: np.ndarray, khat: np.ndarray, uniform: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    upper = np.einsum("ns,mns->mn", weights, block.cdf)
    if block.below is None:
        return upper, khat
    lower = np.einsum("ns,mns->mn", weights, block.below)
    return lower + uniform * (upper - lower), khat


def _warn_about_pit(khat: np.ndarray, n_draws: int) -> None:
    bad = ~(khat <= good_k(n_draws))
    if bad.any():
        warnings.warn(
            f"k-hat is above {good_k(n_draws):.2f} for {bad.sum()} of {len(bad)} rows, whose LOO-PIT is "
            "unreliable; fit.loo() says which and what to try",
            ComparisonWarning,
            stacklevel=3,
        )
