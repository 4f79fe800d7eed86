"""Group effects drawn from a truth that carries brms's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hmlm.types import DataError


def group_effects(
    rng: np.random.Generator, truth: Mapping[str, float], factor: str, terms: Sequence[str], n_levels: int
) -> np.ndarray:
    """(J, Q) draws of ``u_j ~ N(0, diag(sd) R diag(sd))`` for the terms that share a correlation matrix."""
    return rng.standard_normal((n_levels, len(terms))) @ _factor(truth, factor, terms).T


def _factor(truth: Mapping[str, float], factor: str, terms: Sequence[str]) -> np.ndarray:
    sd = np.array([truth[f"sd_{factor}__{term}"] for term in terms])
    if np.any(sd < 0):
        raise DataError(f"truth: standard deviations of '{factor}' must not be negative, got {sd.tolist()}")
    try:
        return sd[:, None] * np.linalg.cholesky(_correlation(truth, factor, terms))
    except np.linalg.LinAlgError as error:
        raise DataError(f"truth: the correlations of '{factor}' form no positive definite matrix") from error


def _correlation(truth: Mapping[str, float], factor: str, terms: Sequence[str]) -> np.ndarray:
    correlation = np.eye(len(terms))
    for i, first in enumerate(terms):
        for j, second in enumerate(terms[i + 1 :], start=i + 1):
            correlation[i, j] = correlation[j, i] = truth[f"cor_{factor}__{first}__{second}"]
    return correlation
