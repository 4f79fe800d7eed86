"""Random problems for the fused kernels, each with its log density from dense multivariate normals."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from hmlm.kernels.cells import CellData, CellPoint, CellTerms
from hmlm.kernels.rows import RowPoint, RowTerms


@dataclass(frozen=True)
class Rows:
    """Rows in any order, group ``index[n]`` each.

    Attributes:
        columns: (K, N).
        outcomes: (M, N).
        offset: (2, M, N), or None.
        point: without the offset, whose layout is the backend's.
    """

    terms: RowTerms
    index: np.ndarray
    groups: int
    columns: np.ndarray
    outcomes: np.ndarray
    offset: np.ndarray | None
    point: RowPoint


@dataclass(frozen=True)
class Cells:
    """Cells, and the rows (N, B), (N, Q) they were made of, in cell ``index[n]`` each."""

    terms: CellTerms
    index: np.ndarray
    basis: np.ndarray
    varying: np.ndarray
    data: CellData
    point: CellPoint


def make_rows(n_effects: int, n_outcomes: int, offset: bool, sizes: tuple[int, ...], seed: int = 0) -> Rows:
    """Three columns, intercepts and slopes of every outcome, log sigmas of two columns."""
    rng = np.random.default_rng((seed, n_effects, n_outcomes, offset, *sizes))
    index = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    terms = RowTerms(
        mean=tuple((m, k) for m in range(n_outcomes) for k in range(3)),
        scale=tuple((m, k) for m in range(n_outcomes) for k in range(2)),
        effects=tuple((a % n_outcomes, a // n_outcomes) for a in range(n_effects)),
    )
    columns = rng.normal(size=(3, len(index)))
    columns[0] = 1.0
    return Rows(
        terms,
        index,
        len(sizes),
        columns,
        outcomes=rng.normal(size=(n_outcomes, len(index))),
        offset=0.3 * rng.normal(size=(2, n_outcomes, len(index))) if offset else None,
        point=RowPoint(
            mean=jnp.asarray(rng.normal(size=(len(terms.mean), len(sizes)))),
            scale=jnp.asarray(0.3 * rng.normal(size=(len(terms.scale), len(sizes)))),
            precision=jnp.asarray(_precision(n_outcomes)),
            factor=jnp.asarray(_factor(rng, n_effects)),
            offset=None,
        ),
    )


def make_cells(n_effects: int, n_outcomes: int, per_group: int, kind: str, seed: int = 0) -> Cells:
    """40 rows in four of five groups, three basis columns.

    ``kind`` is "constant" (one sigma, basis summed), "shifted" (one sigma) or "varying" (a sigma for each
    cell, shifted too).
    """
    rng = np.random.default_rng((seed, n_effects, n_outcomes, per_group, len(kind)))
    groups, n_rows = 5, 40
    index = rng.integers(0, groups - 1, n_rows) * per_group + rng.integers(0, per_group, n_rows)
    basis, varying = rng.normal(size=(n_rows, 3)), rng.normal(size=(n_rows, n_effects))
    n_cells = groups * per_group
    inside = np.eye(n_cells)[index]
    crossed = lambda left, right: jnp.asarray(np.einsum("na,nb,nt->abt", left, right, inside))
    squares = crossed(basis, basis)
    data = CellData(
        count=jnp.asarray(inside.sum(0)),
        basis=squares.sum(-1, keepdims=True) if kind == "constant" else squares,
        mixed=crossed(basis, varying),
        varying=crossed(varying, varying),
    )
    n_sigmas = n_cells if kind == "varying" else 1
    point = CellPoint(
        residual=jnp.asarray(rng.normal(size=(3, n_outcomes))),
        shift=None if kind == "constant" else jnp.asarray(rng.normal(size=(n_effects, groups))),
        log_sigma=jnp.asarray(0.3 * rng.normal(size=(n_outcomes, n_sigmas))),
        precision=jnp.asarray(_precision(n_outcomes)),
        factor=jnp.asarray(_factor(rng, n_effects)),
    )
    terms = CellTerms(tuple(a % n_outcomes for a in range(n_effects)), groups)
    return Cells(terms, index, basis, varying, data, point)


def dense_rows(case: Rows) -> float:
    """The value of :func:`hmlm.kernels.reference.evaluate_rows`."""
    mu, log_sigma = (
        _predicted(terms, case.columns, coefficients[:, case.index], case.outcomes)
        for terms, coefficients in ((case.terms.mean, case.point.mean), (case.terms.scale, case.point.scale))
    )
    if case.offset is not None:
        mu, log_sigma = mu + case.offset[0], log_sigma + case.offset[1]
    effects = np.stack([case.columns[k] for _, k in case.terms.effects])
    outcomes = tuple(m for m, _ in case.terms.effects)
    return _dense(case.index, outcomes, case.outcomes - mu, log_sigma, effects, case.point)


def dense_cells(case: Cells) -> float:
    """The value of :func:`hmlm.kernels.reference.evaluate_cells`."""
    groups = case.index // (len(case.data.count) // case.terms.groups)
    n_outcomes = case.point.residual.shape[1]
    residual = (case.basis @ np.asarray(case.point.residual)).T.copy()
    if case.point.shift is not None:
        for a, m in enumerate(case.terms.effects):
            residual[m] -= case.varying[:, a] * np.asarray(case.point.shift)[a, groups]
    log_sigma = np.broadcast_to(case.point.log_sigma, (n_outcomes, len(case.data.count)))[:, case.index]
    return _dense(groups, case.terms.effects, residual, log_sigma, case.varying.T, case.point)


def _dense(index, outcomes, residual, log_sigma, effects, point) -> float:
    """Multivariate normals of all groups, without ``-N M log(2 pi) / 2`` and ``N log|P| / 2``."""
    rescor, factor = np.linalg.inv(point.precision), np.asarray(point.factor)
    value = 0.0
    for j in np.unique(index):
        rows = index == j
        r, D = residual[:, rows].ravel(), np.diag(np.exp(log_sigma[:, rows].ravel()))
        own = np.equal.outer(np.arange(len(residual)), outcomes)
        Z = (own[:, None, :] * effects[:, rows].T).reshape(-1, len(outcomes))
        covariance = D @ np.kron(rescor, np.eye(rows.sum())) @ D + Z @ factor @ factor.T @ Z.T
        log_det = np.linalg.slogdet(covariance)[1] - rows.sum() * np.linalg.slogdet(rescor)[1]
        value -= 0.5 * (r @ np.linalg.solve(covariance, r) + log_det)
    return value


def _predicted(terms, columns, coefficients, outcomes) -> np.ndarray:
    out = np.zeros_like(outcomes)
    for (m, k), b in zip(terms, np.asarray(coefficients), strict=True):
        out[m] += b * columns[k]
    return out


def _precision(n_outcomes: int) -> np.ndarray:
    return np.linalg.inv(0.6 * np.eye(n_outcomes) + 0.4)


def _factor(rng: np.random.Generator, n_effects: int) -> np.ndarray:
    return np.tril(rng.normal(size=(n_effects, n_effects))) + np.eye(n_effects)
