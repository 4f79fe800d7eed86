"""The working mixed model of every predictor before its first step: no effects, a guessed variance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hmlm.density.data import block_columns, column_means
from hmlm.density.working import GroupSum, Varying, Working, group_sum
from hmlm.spec.spec import Block, Predictor, Spec
from hmlm.types import Design, Factor


def starting_models(spec: Spec, design: Design, variances: Sequence[float]) -> list[Working]:
    """One per predictor; ``variances`` are guesses of what its group effects vary by together."""
    means = column_means(spec, design)
    sums = [_sums(factor) for factor in design.factors]
    columns = [block_columns(block, design) for block in spec.blocks]
    out = []
    for p, predictor in enumerate(spec.predictors):
        population = (design.predictors[p].population.matrix - means[p]).T
        if predictor.intercept is not None:
            population = np.vstack([np.ones(design.n_rows), population])
        varying = tuple(
            _part(block, b, p, columns[b], sums[block.factor], variances[p])
            for b, block in enumerate(spec.blocks)
            if any(term.predictor == p for term in block.terms)
        )
        size = len(population)
        ridge = _ridge(predictor, size, design.n_rows)
        out.append(Working(population, np.zeros(size), np.eye(size), varying, ridge, np.zeros(size)))
    return out


def _sums(factor: Factor) -> GroupSum:
    if factor.members is None:
        return group_sum(factor.index, len(factor.levels))
    return group_sum(factor.members.index, len(factor.levels), factor.members.weights)


def _ridge(predictor: Predictor, size: int, n_rows: int) -> np.ndarray:
    """(P,) for coefficients that are shrunk, which may be more than rows: ``min(1, (n / N)^2)``."""
    ridge = np.zeros(size)
    if predictor.shrinkage is not None:
        own = int(predictor.intercept is not None) + np.array(predictor.shrinkage.columns)
        ridge[own] = min(1.0, (len(own) / n_rows) ** 2)
    return ridge


def _part(block: Block, b: int, p: int, columns: np.ndarray, sums: GroupSum, variance: float) -> Varying:
    positions = tuple(q for q, term in enumerate(block.terms) if term.predictor == p)
    own = columns[list(positions)]
    covariance = np.diag(variance / len(positions) / np.maximum(np.mean(own**2, axis=1), 1e-300))
    n_groups = sums.operator.shape[0]
    mode = np.zeros((len(positions), n_groups))
    return Varying(b, positions, own, sums, covariance, mode, covariance[:, :, None] * np.ones(n_groups))
