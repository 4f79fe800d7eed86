"""Sums of rows with varying weights, laid out so that neither direction transposes the rows."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.kernels.fusing import FEW, choose, sum_of


@jax.custom_vjp
def combine(weights: Array, rows: Array) -> Array:
    """``sum_b weights[b, ...] rows[b, ...]``: (B, M) and (B, *R) to (M, *R)."""
    return choose(_flat_product, _written, weights, rows)


def _flat_product(weights: Array, rows: Array) -> Array:
    return jnp.matmul(weights.T, _flat(rows), precision="highest").reshape(weights.shape[1], *rows.shape[1:])


def _written(weights: Array, rows: Array) -> Array:
    if not 0 < len(rows) <= FEW:
        return _flat_product(weights, rows)
    sums = [[weights[b, m] * rows[b] for b in range(len(rows))] for m in range(weights.shape[1])]
    return jnp.stack([sum_of(terms) for terms in sums])


def _flat(rows: Array) -> Array:
    return rows.reshape(len(rows), math.prod(rows.shape[1:]))


def _forward(weights: Array, rows: Array) -> tuple[Array, tuple[Array, Array]]:
    return combine(weights, rows), (weights, rows)


def _backward(kept: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    """The second is dropped where rows are data, and costs nothing then."""
    weights, rows = kept
    by_rows = jnp.matmul(weights, _flat(cotangent), precision="highest").reshape(rows.shape)
    return choose(_columns, _sums, _flat(rows), _flat(cotangent)), by_rows


def _columns(rows: Array, out: Array) -> Array:
    return jnp.stack([jnp.matmul(rows, out[m], precision="highest") for m in range(len(out))], axis=1)


def _sums(rows: Array, out: Array) -> Array:
    return jnp.sum(rows[:, None] * out, axis=-1)


combine.defvjp(_forward, _backward)
