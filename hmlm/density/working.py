"""A weighted linear mixed model of a working response, fitted on the host by expectation-maximisation.

The workhorse of the pilot: every predictor of every family is, near an estimate, such a model.

References:
    Laird & Ware (1982), doi:10.2307/2529876
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

SMALLEST_VARIANCE = 1e-5  # of an effect, relative to the mean square of the response per unit of column


@dataclass(frozen=True)
class GroupSum:
    """Sums over the rows of each of J groups, weighted where rows belong to several."""

    index: np.ndarray
    operator: sparse.csr_matrix
    weights: np.ndarray | None = None

    def expand(self, values: np.ndarray) -> np.ndarray:
        """(..., J) to (..., N): values of the rows' groups, weighted sums of those of several."""
        known = values[..., self.index]
        return known if self.weights is None else np.sum(known * self.weights, axis=-1)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """(..., N) to (..., J)."""
        flat = self.operator @ rows.reshape(-1, rows.shape[-1]).T
        return np.asarray(flat).T.reshape(*rows.shape[:-1], self.operator.shape[0])


def group_sum(index: np.ndarray, n_groups: int, weights: np.ndarray | None = None) -> GroupSum:
    """The sums for (N,) group numbers, or for (N, M) of them with as many weights."""
    rows = np.arange(len(index)).reshape(-1, *[1] * (index.ndim - 1)) + np.zeros_like(index)
    values = np.ones(index.shape) if weights is None else weights
    entries = (values.ravel(), (index.ravel(), rows.ravel()))
    return GroupSum(index, sparse.csr_matrix(entries, shape=(n_groups, len(index))), weights)


@dataclass(frozen=True)
class Varying:
    """Varying coefficients of one block in one predictor, with their current estimate.

    Attributes:
        block: the block.
        positions: which of the block's coefficients, q of them.
        columns: (q, N).
        sums: sums by group.
        covariance: (q, q) between groups.
        mode: (q, J) conditional means.
        spread: (q, q, J) conditional covariances.
    """

    block: int
    positions: tuple[int, ...]
    columns: np.ndarray
    sums: GroupSum
    covariance: np.ndarray
    mode: np.ndarray
    spread: np.ndarray

    def rows(self) -> np.ndarray:
        """(N,) contribution to the predictor."""
        return np.einsum("qn,qn->n", self.columns, self.sums.expand(self.mode))

    def leverage(self) -> np.ndarray:
        """(N,) conditional variance of that contribution."""
        spread = self.sums.expand(self.spread)
        return np.einsum("an,abn,bn->n", self.columns, spread, self.columns)


@dataclass(frozen=True)
class Working:
    """One predictor's population-level columns (P, N), coefficients and varying parts.

    ``ridge`` (P,) is added to the diagonal of the normal equations, as a share of it: nothing where there are
    far more rows than coefficients. ``penalty`` is what that came to.
    """

    columns: np.ndarray
    beta: np.ndarray
    beta_covariance: np.ndarray
    varying: tuple[Varying, ...]
    ridge: np.ndarray
    penalty: np.ndarray

    def eta(self) -> np.ndarray:
        """(N,) linear predictor."""
        return self.beta @ self.columns + sum(part.rows() for part in self.varying)

    def leverage(self) -> np.ndarray:
        """(N,) conditional variance of the varying parts."""
        return sum((part.leverage() for part in self.varying), start=np.zeros(self.columns.shape[1]))


def em_step(model: Working, response: np.ndarray, weight: np.ndarray) -> Working:
    """One sweep: generalised least squares, then modes and covariance, varying part by varying part.

    Args:
        model: current estimate.
        response: (N,) working response.
        weight: (N,) inverse variances.
    """
    if not model.varying:
        return _solved(model, *_normal_equations(model.columns, response, weight))
    for i in range(len(model.varying)):
        model = _part_step(model, i, response, weight)
    return model


def _part_step(model: Working, i: int, response: np.ndarray, weight: np.ndarray) -> Working:
    part = model.varying[i]
    others = sum(other.rows() for k, other in enumerate(model.varying) if k != i)
    target = response - others
    weighted = part.columns * weight
    precision = part.sums(weighted[:, None] * part.columns)
    cross = part.sums(weighted[:, None] * model.columns)
    score = part.sums(weighted * target)
    spread = _inverse(precision + np.linalg.inv(part.covariance)[:, :, None])
    normal, right = _normal_equations(model.columns, target, weight)
    shrunk = np.einsum("abj,bpj->apj", spread, cross)
    normal = normal - np.einsum("apj,aqj->pq", cross, shrunk)
    right = right - np.einsum("apj,aj->p", shrunk, score)
    model = _solved(model, normal, right)
    beta = model.beta
    mode = np.einsum("abj,bj->aj", spread, score - np.einsum("bpj,p->bj", cross, beta))
    moment = (np.einsum("aj,bj->ab", mode, mode) + spread.sum(2)) / mode.shape[1]
    part = replace(part, mode=mode, spread=spread, covariance=_bounded(moment, part, target))
    varying = (*model.varying[:i], part, *model.varying[i + 1 :])
    return replace(model, varying=varying)


def _normal_equations(
    columns: np.ndarray, response: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    weighted = columns * weight
    return weighted @ columns.T, weighted @ response


def _solved(model: Working, normal: np.ndarray, right: np.ndarray) -> Working:
    """With coefficients of smallest norm and covariance, in scaled columns so that units do not matter."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-300))
    scaled = normal * np.outer(scale, scale) + np.diag(model.ridge)
    inverse = np.linalg.pinv(scaled, rcond=1e-10, hermitian=True)
    covariance = inverse * np.outer(scale, scale)
    penalty = model.ridge / scale**2
    return replace(model, beta=covariance @ right, beta_covariance=covariance, penalty=penalty)


def _inverse(batch: np.ndarray) -> np.ndarray:
    return np.linalg.inv(batch.transpose(2, 0, 1)).transpose(1, 2, 0)


def _bounded(moment: np.ndarray, part: Varying, target: np.ndarray) -> np.ndarray:
    """The covariance with its diagonal kept off zero, so that the next step can move."""
    floor = SMALLEST_VARIANCE * np.mean(target**2) / np.mean(part.columns**2, axis=1)
    return moment + np.diag(np.maximum(floor - np.diag(moment), 0.0) + 1e-3 * floor)
