"""Draws of an approximation with both log densities: how good it is, and better draws from among them.

References:
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, arXiv:1507.02646
    Yao, Vehtari, Simpson & Gelman (2018), Yes, but did it work?, arXiv:1802.02538
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

PER_DRAW, FEWEST = 4, 1000  # draws of an approximation for each that is kept, and in all
CONSTANT = 1e-9  # range of log ratios that leaves nothing to smooth
USABLE = 0.7  # k-hat from which weights are not to be trusted


@dataclass(frozen=True, eq=False)
class Pool:
    """Draws of an approximation.

    Attributes:
        position: (S, D).
        log_p: (S,) log density of the model there.
        log_q: (S,) that of the approximation, both up to a constant.
    """

    position: np.ndarray
    log_p: np.ndarray
    log_q: np.ndarray

    @property
    def log_weights(self) -> np.ndarray:
        """(S,) smoothed log importance weights, up to a constant."""
        return self._smoothed[0]

    @property
    def khat(self) -> float:
        """Pareto k-hat of the importance ratios; infinite where too few of them are finite."""
        return self._smoothed[1]

    def resampled(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n,) which draws to take by importance, systematically, in random order."""
        cumulative = np.cumsum(np.exp(self.log_weights - self.log_weights.max()))
        points = (rng.random() + np.arange(n)) / n * cumulative[-1]
        return rng.permutation(
            np.minimum(np.searchsorted(cumulative, points, side="right"), len(cumulative) - 1)
        )

    @cached_property
    def _smoothed(self) -> tuple[np.ndarray, float]:
        """(S,) log weights and k-hat; draws without a finite density weigh nothing."""
        from arviz_stats.base import array_stats  # takes a second, and sampling does not need it

        ratio = self.log_p - self.log_q
        finite = np.isfinite(ratio)
        if finite.mean() < 0.5:
            return np.zeros(len(ratio)), np.inf
        if np.ptp(ratio[finite]) < CONSTANT:
            return np.where(finite, 0.0, -np.inf), 0.0
        weights = np.full(len(ratio), -np.inf)
        with np.errstate(all="ignore"):
            weights[finite], khat = array_stats.psislw(-ratio[finite])  # it takes log likelihoods
        usable = np.isfinite(weights[finite]).all() and np.isfinite(khat)
        return (weights, float(khat)) if usable else (np.zeros(len(ratio)), np.inf)


def joined(pools: list[Pool]) -> Pool:
    """Draws of several approximations together."""
    arrays = ((pool.position, pool.log_p, pool.log_q) for pool in pools)
    return Pool(*map(np.concatenate, zip(*arrays, strict=True)))
