"""The fused kernels written out in plain jnp and differentiated by JAX: what every backend has to equal.

Slow, and nothing in it is shared with the backends but the arguments: dense products, library solvers,
autodiff. Tests compare this with full multivariate normals, and each backend with this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.kernels.cells import CellData, CellPoint, CellTerms
from hmlm.kernels.rows import RowPoint, RowTerms, Term
from hmlm.kernels.tiles import Tiles


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TiledRows:
    """Rows in T tiles of L.

    Attributes:
        columns: (K, T, L).
        outcomes: (M, T, L).
        present: (T, L) 1 for rows, 0 for padding.
        tiles: their groups.
    """

    columns: Array
    outcomes: Array
    present: Array
    tiles: Tiles


def evaluate_rows(terms: RowTerms, data: TiledRows, point: RowPoint) -> tuple[Array, RowPoint]:
    """Value and gradient, see :mod:`hmlm.kernels.rows`; an offset is (2, M, T, L)."""
    return jax.value_and_grad(_rows, argnums=2)(terms, data, point)


def evaluate_cells(terms: CellTerms, data: CellData, point: CellPoint) -> tuple[Array, CellPoint]:
    """Value and gradient, see :mod:`hmlm.kernels.cells`."""
    return jax.value_and_grad(_cells, argnums=2)(terms, data, point)


def _rows(terms: RowTerms, data: TiledRows, point: RowPoint) -> Array:
    mu, log_sigma = _predict(terms.mean, data, point.mean), _predict(terms.scale, data, point.scale)
    if point.offset is not None:
        mu, log_sigma = mu + point.offset[0], log_sigma + point.offset[1]
    log_sigma = log_sigma * data.present
    residual = (data.outcomes - mu) * data.present
    Z = [data.columns[k] * data.present for _, k in terms.effects]
    moments = lambda a, b: data.tiles.reduce(a * b)
    value = _integrated(
        tuple(m for m, _ in terms.effects),
        jnp.exp(-log_sigma),
        lambda a, b, weight: moments(Z[a] * weight, Z[b]),
        lambda a, m, weight: moments(Z[a] * weight, residual[m]),
        lambda m, n, weight: moments(residual[m] * weight, residual[n]),
        point,
    )
    return value - jnp.sum(log_sigma)


def _predict(terms: tuple[Term, ...], data: TiledRows, coefficients: Array) -> Array:
    """(M, T, L) sums of columns times their group's coefficients."""
    spread = data.tiles.expand(coefficients)
    out = jnp.zeros_like(data.outcomes)
    for a, (m, k) in enumerate(terms):
        out = out.at[m].add(spread[a] * data.columns[k])
    return out


def _cells(terms: CellTerms, data: CellData, point: CellPoint) -> Array:
    n_outcomes, n_effects = point.residual.shape[1], len(terms.effects)
    per_group = len(data.count) // terms.groups
    shift = jnp.zeros((n_effects, terms.groups)) if point.shift is None else point.shift
    own = jnp.asarray([[float(o == m) for m in range(n_outcomes)] for o in terms.effects])
    shift = jnp.repeat(own[:, :, None] * shift[:, None], per_group, axis=-1)
    by_sum = lambda weight, cells: (weight * cells).reshape(terms.groups, per_group, -1).sum((1, 2))
    with jax.default_matmul_precision("highest"):
        cross = jnp.einsum("bat,bm->amt", data.mixed, point.residual)
        cross = cross - jnp.einsum("act,cmt->amt", data.varying, shift)
        squares = jnp.einsum("bm,bct,cn->mnt", point.residual, data.basis, point.residual)
        taken = jnp.einsum("bat,bm,ant->mnt", data.mixed, point.residual, shift)
        again = jnp.einsum("amt,act,cnt->mnt", shift, data.varying, shift)
    if point.shift is not None:
        squares = squares - taken - taken.swapaxes(0, 1) + again
    value = _integrated(
        terms.effects,
        jnp.exp(-point.log_sigma),
        lambda a, b, weight: by_sum(weight, data.varying[a, b]),
        lambda a, m, weight: by_sum(weight, cross[a, m]),
        lambda m, n, weight: jnp.sum(weight * squares[m, n])[None],
        point,
    )
    return value - jnp.sum(data.count * point.log_sigma)


def _integrated(
    outcomes: tuple[int, ...],
    inverse_sigma: Array,
    effects: Callable[..., Array],
    mixed: Callable[..., Array],
    residuals: Callable[..., Array],
    point: Any,
) -> Array:
    """``-r'Wr / 2 + v'A^-1 v / 2 - log|A| / 2`` of all groups, from functions that sum weighted products."""
    P, factor, size = point.precision, jnp.tril(point.factor), len(outcomes)
    weight = lambda m, n: P[m, n] * inverse_sigma[m] * inverse_sigma[n]
    over = range(len(P))
    F = [[effects(a, b, weight(m, n)) for b, n in enumerate(outcomes)] for a, m in enumerate(outcomes)]
    g = [sum(mixed(a, n, weight(m, n)) for n in over) for a, m in enumerate(outcomes)]
    c = sum(jnp.sum(residuals(m, n, weight(m, n))) for m in over for n in over)
    if not outcomes:
        return -0.5 * c
    with jax.default_matmul_precision("highest"):
        A = jnp.eye(size) + jnp.einsum(
            "ca,cdj,db->jab", factor, jnp.stack([jnp.stack(row) for row in F]), factor
        )
        v = jnp.einsum("ca,cj->ja", factor, jnp.stack(g))
        quadratic = jnp.sum(v * jnp.linalg.solve(A, v[..., None])[..., 0])
    return 0.5 * (quadratic - c - jnp.sum(jnp.linalg.slogdet(A)[1]))
