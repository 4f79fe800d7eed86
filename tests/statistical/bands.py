"""Are ranks uniform? Simultaneous bands for the empirical distribution of ranks.

References:
    Sailynoja, Burkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.stats import binom

N_SIMULATED = 100_000


def departure(ranks: np.ndarray, n_draws: int) -> np.ndarray:
    """How far ranks leave uniformity: gamma, small where the empirical distribution is far out.

    At ``z_i = (i + 1) / (L + 1)`` the number of ranks up to i is binomial if they are uniform; gamma is twice
    the smallest tail probability over all i (equation 6 and section 2.2 of the paper).

    Args:
        ranks: (..., R) ranks of true values among L draws, 0 to L.
        n_draws: L.

    Returns:
        (...) gamma in [0, 2].
    """
    counts = np.stack([(ranks <= i).sum(-1) for i in range(n_draws)], axis=-1)
    return _gamma(counts, ranks.shape[-1], n_draws)


@cache
def critical(n_ranks: int, n_draws: int, level: float) -> float:
    """The gamma below which uniform ranks fall with probability ``level``, by Monte Carlo."""
    rng = np.random.default_rng(30)
    share = np.full(n_draws + 1, 1 / (n_draws + 1))
    parts = [rng.multinomial(n_ranks, share, N_SIMULATED // 20) for _ in range(20)]
    gammas = [_gamma(part.cumsum(1)[:, :-1], n_ranks, n_draws) for part in parts]
    return float(np.quantile(np.concatenate(gammas), level))


def outside(ranks: dict[str, np.ndarray], n_draws: int, level: float = 0.01) -> dict[str, str]:
    """Quantities whose ranks leave their bands, with what was found.

    ``level`` is the probability of any false alarm among all quantities (Bonferroni): each has bands
    of simultaneous coverage ``1 - level / P``.

    Args:
        ranks: P quantities' (R,) ranks among L draws.
        n_draws: L.
        level: of all bands together.
    """
    least = critical(len(next(iter(ranks.values()))), n_draws, level / len(ranks))
    gamma = {name: float(departure(values, n_draws)) for name, values in ranks.items()}
    return {
        name: f"gamma {gamma[name]:.2g} < {least:.2g}, mean rank {values.mean() / n_draws:.3f}"
        for name, values in ranks.items()
        if gamma[name] < least
    }


def _gamma(counts: np.ndarray, n_ranks: int, n_draws: int) -> np.ndarray:
    tail = _tails(n_ranks, n_draws)
    return 2 * tail[np.arange(n_draws), counts].min(-1)


@cache
def _tails(n_ranks: int, n_draws: int) -> np.ndarray:
    """(L, R + 1) smaller tail probability of each count at each z."""
    z = np.arange(1, n_draws + 1)[:, None] / (n_draws + 1)
    count = np.arange(n_ranks + 1)
    return np.minimum(binom.cdf(count, n_ranks, z), binom.sf(count - 1, n_ranks, z))
