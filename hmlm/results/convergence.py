"""R-hat and effective sample sizes of many parameters at once, through ArviZ's array functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr

TAIL_PROBS = (0.05, 0.95)
MIN_DRAWS = 4


@dataclass(frozen=True)
class Convergence:
    """Convergence of ``P`` parameters; NaN for one that is constant or not finite.

    Attributes:
        rhat: (P,) rank-normalised split R-hat, the larger of bulk and folded.
        bulk: (P,) bulk effective sample size.
        tail: (P,) tail effective sample size, the smaller of the 5 % and 95 % quantiles'.

    References:
        Vehtari et al. (2021), doi:10.1214/20-BA1221
    """

    rhat: np.ndarray
    bulk: np.ndarray
    tail: np.ndarray


def stack(arrays: Iterable[xr.DataArray]) -> np.ndarray:
    """(P, C, S) float64 values of scalar parameters with dims ``(chain, draw)``."""
    values = [array.transpose("chain", "draw").values for array in arrays]
    return np.asarray(values, dtype=float) if values else np.empty((0, 1, 1))


def convergence(values: np.ndarray) -> Convergence:
    """Convergence of draws ``(P, C, S)``, without NumPy warnings whatever they contain."""
    from arviz_stats.base.array import array_stats  # takes a second, and sampling does not need it

    usable = _varies(values) if values.shape[2] >= MIN_DRAWS else np.zeros(len(values), bool)
    good = values[usable]
    with np.errstate(divide="ignore", invalid="ignore"):
        return Convergence(
            rhat=_spread(usable, array_stats.rhat, _two_chains(good)),
            bulk=_spread(usable, array_stats.ess, good, method="bulk"),
            tail=_spread(usable, array_stats.ess, good, method="tail", prob=TAIL_PROBS),
        )


def _varies(values: np.ndarray) -> np.ndarray:
    """(P,) whether all draws of a parameter are finite and not all the same."""
    finite = np.isfinite(values).all(axis=(1, 2))
    return finite & (values.min(axis=(1, 2)) != values.max(axis=(1, 2)))


def _two_chains(values: np.ndarray) -> np.ndarray:
    """A lone chain as its two halves: ArviZ wants two chains, which it then splits again."""
    half = values.shape[2] // 2
    if values.shape[1] > 1 or half == 0:
        return values
    return np.concatenate([values[..., :half], values[..., -half:]], axis=1)


def _spread(usable: np.ndarray, statistic, values: np.ndarray, **options) -> np.ndarray:
    """(P,) the statistic where usable, NaN elsewhere."""
    out = np.full(len(usable), np.nan)
    if len(values):
        out[usable] = statistic(values, chain_axis=1, draw_axis=2, **options)
    return out
