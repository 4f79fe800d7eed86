"""Draws that still move the same way in all chains: the warm-up was too short."""

from __future__ import annotations

import numpy as np
from scipy import stats

FEWEST_CHAINS = 4
LEAST = 0.1  # of the posterior's standard deviation, between the means of both halves
LEVEL = 0.001  # of the test, over all parameters


def drifting(values: np.ndarray) -> np.ndarray:
    """(P,) whether the second halves of chains lie to one side of the first ones.

    A t-test of the C differences between the halves' means, which chains do not share unless all drift; a
    drift that matters little does not count.

    Args:
        values: (P, C, S) draws.
    """
    n, chains, draws = values.shape
    half = draws // 2
    if chains < FEWEST_CHAINS or half < 2 or not n:
        return np.zeros(n, bool)
    moved = values[..., -half:].mean(axis=2) - values[..., :half].mean(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(moved.mean(axis=1)) / (moved.std(axis=1, ddof=1) / np.sqrt(chains))
        size = np.abs(moved.mean(axis=1)) / values.std(axis=(1, 2))
    return (size > LEAST) & (2 * stats.t.sf(t, chains - 1) < LEVEL / n)
