"""Starting points of chains: around the density's point estimate, wider than the posterior."""

from __future__ import annotations

import numpy as np

from hmlm.density.log_density import LogDensity
from hmlm.infer.superchains import n_superchains, superchain_index

WIDTH = 2.0  # of population-level coordinates, in approximate posterior standard deviations
CLOSER = 0.8  # after a point without a finite density the next one is drawn this much closer


def starting_points(density: LogDensity, chains: int, seed: int, attempt: int = 0) -> np.ndarray:
    """(C, D) over-dispersed starting points around the density's initial point.

    Group effects start with the spread of their posterior, population-level parameters with twice that.
    Many chains share a few points, see :mod:`hmlm.infer.superchains`.

    Args:
        density: what will be sampled.
        chains: C.
        seed: the same seed, superchain and attempt give the same point.
        attempt: how many earlier points had no finite density.
    """
    return around(density, density.initial, chains, seed, attempt)


def around(density: LogDensity, center: np.ndarray, chains: int, seed: int, attempt: int = 0) -> np.ndarray:
    """(C, D) points around (D,) ``center``; arguments as :func:`starting_points`."""
    distinct = n_superchains(chains)
    rngs = (np.random.default_rng((seed, c, attempt)) for c in range(distinct))
    points = [_point(density, center, rng, attempt) for rng in rngs]
    return np.stack(points)[superchain_index(chains, distinct)]


def _point(density: LogDensity, center: np.ndarray, rng: np.random.Generator, attempt: int) -> np.ndarray:
    width = np.ones(density.size)
    width[: density.layout.n_population] = WIDTH
    return center + CLOSER**attempt * width * rng.standard_normal(density.size)
