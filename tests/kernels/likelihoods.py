"""Random problems for the fused likelihood kernels, and the dense normal that every backend must agree with.

The dense value is NumPy's, in complex arithmetic too: ``Im f(x + i h d) / h`` is its derivative in direction d
to the last digit, by a route that shares nothing with the kernels.
"""

from __future__ import annotations

from typing import NamedTuple

from collections.abc import Callable

import jax
import numpy as np
from numpy import ndarray as Array

from hmlm.kernels.cells import CellData, CellPoint, CellTerms
from hmlm.kernels.rows import RowPoint, RowTerms


class Rows(NamedTuple):
    """Rows in no order: (K, N) columns, the first constant, (M, N) outcomes, (N,) groups, (J,) rows of each."""

    columns: np.ndarray
    outcomes: np.ndarray
    index: np.ndarray
    sizes: np.ndarray


class Sizes(NamedTuple):
    """Numbers of effects, outcomes and columns, rows of every group."""

    effects: int
    outcomes: int
    columns: int
    rows: tuple[int, ...]


def make_rows(sizes: Sizes, seed: int) -> Rows:
    """Rows of a problem."""
    rng = np.random.default_rng(seed)
    index = rng.permutation(np.repeat(np.arange(len(sizes.rows)), sizes.rows))
    columns = rng.normal(size=(sizes.columns, len(index)))
    columns[0] = 1.0
    outcomes = rng.normal(size=(sizes.outcomes, len(index)))
    return Rows(columns, outcomes, index, np.array(sizes.rows))


def make_terms(sizes: Sizes, seed: int) -> RowTerms:
    """Each outcome's mean and log sigma take some columns, the effects any."""
    rng = np.random.default_rng(seed)

    def some(least: int) -> tuple[tuple[int, int], ...]:
        picked = [
            (m, int(k))
            for m in range(sizes.outcomes)
            for k in rng.permutation(sizes.columns)[: rng.integers(least, sizes.columns + 1)]
        ]
        return tuple(picked)

    effects = [(int(rng.integers(sizes.outcomes)), int(rng.integers(sizes.columns))) for _ in range(sizes.effects)]
    return RowTerms(some(0), some(1), tuple(effects))


def make_point(sizes: Sizes, terms: RowTerms, seed: int, offset: bool) -> RowPoint:
    """A point; its offset is (2, M, N), row by row."""
    rng = np.random.default_rng(seed)
    groups, n_rows = len(sizes.rows), sum(sizes.rows)
    return RowPoint(
        mean=rng.normal(size=(len(terms.mean), groups)),
        scale=0.3 * rng.normal(size=(len(terms.scale), groups)),
        precision=random_precision(rng, sizes.outcomes),
        factor=random_factor(rng, sizes.effects),
        offset=0.3 * rng.normal(size=(2, sizes.outcomes, n_rows)) if offset else None,
    )


def random_precision(rng: np.random.Generator, size: int) -> np.ndarray:
    """The inverse of a correlation matrix."""
    root = np.eye(size) + 0.4 * np.tril(rng.normal(size=(size, size)), -1)
    covariance = root @ root.T
    scale = np.sqrt(np.diag(covariance))
    return np.linalg.inv(covariance / np.outer(scale, scale))


def random_factor(rng: np.random.Generator, size: int) -> np.ndarray:
    """A lower Cholesky factor."""
    return np.tril(0.5 * rng.normal(size=(size, size)), -1) + np.diag(rng.uniform(0.1, 1.5, size))


def dense_rows(terms: RowTerms, rows: Rows, point: RowPoint) -> Array:
    """The value of :mod:`hmlm.kernels.rows` from one multivariate normal per group."""
    mean, log_sigma = _predictor(terms.mean, rows, point.mean, 0), _predictor(terms.scale, rows, point.scale, 1)
    if point.offset is not None:
        mean, log_sigma = mean + point.offset[0], log_sigma + point.offset[1]
    effects = _effect_columns(terms.effects, rows)
    return dense_normal(rows.outcomes - mean, log_sigma, effects, rows.index, point.precision, point.factor)


def dense_normal(
    residual: Array, log_sigma: Array, effects: Array, index: np.ndarray, precision: Array, factor: Array
) -> Array:
    """Log density of (M, N) residuals with effects' columns (Q, M, N) of (N,) groups, less its constants."""
    n_outcomes, n_rows = residual.shape
    sigma = np.exp(log_sigma).ravel()
    noise = np.kron(np.linalg.inv(precision), np.eye(n_rows)) * sigma[:, None] * sigma[None]
    between = effects.reshape(len(effects), n_outcomes * n_rows).T @ factor
    same = np.equal.outer(*(np.tile(index, n_outcomes),) * 2)
    covariance = noise + same * (between @ between.T)
    solved = np.linalg.solve(covariance, residual.ravel())
    return -0.5 * residual.ravel() @ solved - 0.5 * (log_det(covariance) + n_rows * log_det(precision))


def log_det(matrix: Array) -> complex:
    """Log determinant, of complex matrices too."""
    sign, size = np.linalg.slogdet(matrix)
    return np.log(sign) + size


def _predictor(terms, rows: Rows, coefficients: Array, part: int) -> Array:
    own = [
        sum(
            (coefficients[a, rows.index] * rows.columns[k] for a, (o, k) in enumerate(terms) if o == m),
            start=np.zeros(len(rows.index)),
        )
        for m in range(len(rows.outcomes))
    ]
    return np.stack(own)


def _effect_columns(effects, rows: Rows) -> np.ndarray:
    out = np.zeros((len(effects), *rows.outcomes.shape))
    for q, (m, k) in enumerate(effects):
        out[q, m] = rows.columns[k]
    return out


class CellProblem(NamedTuple):
    """Statistics, a point, and the dense value as a function of the point."""

    terms: CellTerms
    data: CellData
    point: CellPoint
    dense: object


def make_cells(sizes: Sizes, per_group: int, constant: bool, shifted: bool, seed: int) -> CellProblem:
    """Statistics of random rows, every group's cut into ``per_group`` cells."""
    rng = np.random.default_rng(seed)
    rows = make_rows(sizes, seed)
    groups, n_basis = len(sizes.rows), sizes.columns + sizes.outcomes
    basis = np.concatenate([rows.columns, rows.outcomes])
    owner = tuple(int(m) for m in rng.integers(sizes.outcomes, size=sizes.effects))
    varying = rows.columns[rng.integers(sizes.columns, size=sizes.effects)]
    cell = rows.index * per_group + rng.integers(per_group, size=len(rows.index))
    n_cells = groups * per_group
    one_hot = np.eye(n_cells)[cell]
    products = lambda a, b: np.einsum("an,bn,nt->abt", a, b, one_hot)  # noqa: E731
    square = products(basis, basis)
    data = CellData(
        count=one_hot.sum(0),
        basis=square.sum(2, keepdims=True) if constant and not shifted else square,
        mixed=products(basis, varying),
        varying=products(varying, varying),
    )
    point = CellPoint(
        residual=rng.normal(size=(n_basis, sizes.outcomes)),
        shift=rng.normal(size=(sizes.effects, groups)) if shifted else None,
        log_sigma=0.3 * rng.normal(size=(sizes.outcomes, 1 if constant else n_cells)),
        precision=random_precision(rng, sizes.outcomes),
        factor=random_factor(rng, sizes.effects),
    )

    def dense(point: CellPoint) -> Array:
        effects = np.zeros((sizes.effects, *rows.outcomes.shape))
        for q, m in enumerate(owner):
            effects[q, m] = varying[q]
        residual = point.residual.T @ basis
        if point.shift is not None:
            residual = residual - np.einsum("qmn,qn->mn", effects, point.shift[:, rows.index])
        log_sigma = np.broadcast_to(point.log_sigma, (sizes.outcomes, n_cells))[:, cell]
        return dense_normal(residual, log_sigma, effects, rows.index, point.precision, point.factor)

    return CellProblem(CellTerms(owner, groups), data, point, dense)


STEP = 1e-40


def slopes(dense: Callable, point, directions: list) -> list[float]:
    """Derivatives of the dense value in some directions, each in the form of ``point``."""
    along = lambda part, d: part + 1j * STEP * d  # noqa: E731
    return [float(np.imag(dense(jax.tree.map(along, point, d)))) / STEP for d in directions]


def make_directions(point, seed: int) -> list:
    """Random directions, two for every array of a point with the others held; P's are symmetric."""
    rng = np.random.default_rng(seed)
    leaves, tree = jax.tree.flatten(point)
    still = [np.zeros(np.shape(leaf)) for leaf in leaves]
    moved = [
        jax.tree.unflatten(tree, [*still[:i], rng.normal(size=np.shape(leaf)), *still[i + 1 :]])
        for i, leaf in enumerate(leaves)
        for _ in range(2)
    ]
    return [
        d._replace(precision=d.precision + d.precision.T, factor=np.tril(d.factor)) for d in moved
    ]


def inner(gradient, direction) -> float:
    """Derivative in a direction from a gradient."""
    parts = zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True)
    return float(sum(np.sum(np.asarray(a, float) * b) for a, b in parts))


def relative_error(found, expected) -> float:
    """Largest difference of two trees of arrays, in units of the largest number of each array, at least 1."""
    errors = [
        float(np.max(np.abs(np.asarray(a, float) - np.asarray(b, float)), initial=0.0))
        / max(1.0, float(np.max(np.abs(np.asarray(b, float)), initial=0.0)))
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    ]
    return max(errors, default=0.0)
