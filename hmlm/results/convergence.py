"""R-hat and effective sample sizes of many parameters at once, through ArviZ's array functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

from hmlm.infer.superchains import superchain_index
from hmlm.results.nested import MIN_DRAWS, nested_rhats

TAIL_PROBS = (0.05, 0.95)
NUMBERS_AT_ONCE = 2**22  # of draws: what is computed of them takes several times their memory
AXES = {"chain_axis": 1, "draw_axis": 2}


@dataclass(frozen=True)
class Convergence:
    """Convergence of ``P`` parameters; NaN for one that is constant or not finite.

    Attributes:
        rhat: (P,) rank-normalised split R-hat, the larger of bulk and folded; of superchains nested R-hat.
        bulk: (P,) bulk effective sample size.
        tail: (P,) tail effective sample size, the smaller of the 5 % and 95 % quantiles'.

    References:
        Vehtari et al. (2021), doi:10.1214/20-BA1221
        Margossian et al. (2024), doi:10.1214/24-BA1453
    """

    rhat: np.ndarray
    bulk: np.ndarray
    tail: np.ndarray


def stack(arrays: Iterable[xr.DataArray]) -> np.ndarray:
    """(P, C, S) float64 values of scalar parameters with dims ``(chain, draw)``."""
    values = [array.transpose("chain", "draw").values for array in arrays]
    return np.asarray(values, dtype=float) if values else np.empty((0, 1, 1))


def convergence(values: np.ndarray, superchains: int = 0) -> Convergence:
    """Convergence of draws ``(P, C, S)``, without NumPy warnings whatever they contain.

    ``superchains`` starting points were shared by the chains, taking turns; 0 if each had its own.
    """
    from arviz_stats.base import array_stats  # takes a second, and sampling does not need it

    usable = _varies(values) if values.shape[2] >= MIN_DRAWS else np.zeros(len(values), bool)
    ess = partial(array_stats.ess, **AXES)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Convergence(
            rhat=_spread(usable, partial(_rhats, superchains=superchains), values),
            bulk=_spread(usable, partial(ess, method="bulk"), values),
            tail=_spread(usable, partial(ess, method="tail", prob=TAIL_PROBS), values),
        )


def _varies(values: np.ndarray) -> np.ndarray:
    """(P,) whether all draws of a parameter are finite and not all the same."""
    finite = np.isfinite(values).all(axis=(1, 2))
    return finite & (values.min(axis=(1, 2)) != values.max(axis=(1, 2)))


def _rhats(values: np.ndarray, superchains: int) -> np.ndarray:
    from arviz_stats.base import array_stats

    chains = values.shape[1]
    if 2 <= superchains <= chains // 2:
        return nested_rhats(values, superchain_index(chains, superchains))
    return array_stats.rhat(_two_chains(values), **AXES)


def _two_chains(values: np.ndarray) -> np.ndarray:
    """A lone chain as its two halves: ArviZ wants two chains, which it then splits again."""
    half = values.shape[2] // 2
    if values.shape[1] > 1 or half == 0:
        return values
    return np.concatenate([values[..., :half], values[..., -half:]], axis=1)


def _spread(
    usable: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray], values: np.ndarray
) -> np.ndarray:
    """(P,) the statistic where usable, NaN elsewhere; of a few parameters at once where draws are many."""
    out = np.full(len(usable), np.nan)
    places, at_once = np.flatnonzero(usable), max(NUMBERS_AT_ONCE // values[0].size, 1) if len(values) else 1
    for first in range(0, len(places), at_once):
        some = places[first : first + at_once]
        out[some] = statistic(values[some])
    return out
