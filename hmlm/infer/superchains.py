"""Superchains: chains that share a starting point, so that what they began with can be told from their noise.

Between few long chains R-hat sees both at once, and the noise of a long chain is small. Of many short chains
the noise is all that it sees; between groups of chains with a common start each, averaged over the group,
little of it is left.

References:
    Margossian et al. (2024), Nested R-hat, doi:10.1214/24-BA1453
"""

from __future__ import annotations

import numpy as np

MANY_CHAINS = 32  # from here on chains share starting points
FEW, MANY = 8, 16  # superchains of that many chains, and of four times as many


def n_superchains(chains: int) -> int:
    """How many starting points so many chains have: one each where they are few."""
    if chains < MANY_CHAINS:
        return chains
    return MANY if chains >= 4 * MANY_CHAINS else FEW


def superchain_index(chains: int, superchains: int) -> np.ndarray:
    """(C,) superchain of each chain: they take turns, so that every device and group of chains has all."""
    return np.arange(chains) % superchains


def superchains_of(points: np.ndarray) -> int:
    """How many superchains chains form that start at (C, D) ``points``; 0 if they do not share starts so."""
    chains, found = len(points), len(np.unique(points, axis=0))
    if not 2 <= found <= chains // 2:
        return 0
    return found if np.array_equal(points, points[superchain_index(chains, found)]) else 0
