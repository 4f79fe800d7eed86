"""Sums of constant rows with varying weights, laid out so that neither direction transposes the rows."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array


@jax.custom_vjp
def combine(weights: Array, rows: Array) -> Array:
    """``sum_b weights[b, ...] rows[b, ...]``: (B, M) and (B, *R) to (M, *R); no gradient for the rows."""
    flat = _flat(rows)
    return jnp.matmul(weights.T, flat, precision="highest").reshape(weights.shape[1], *rows.shape[1:])


def _flat(rows: Array) -> Array:
    return rows.reshape(len(rows), math.prod(rows.shape[1:]))


def _forward(weights: Array, rows: Array) -> tuple[Array, Array]:
    return combine(weights, rows), rows


def _backward(rows: Array, cotangent: Array) -> tuple[Array, Array]:
    flat, out = _flat(rows), _flat(cotangent)
    columns = [jnp.matmul(flat, out[m], precision="highest") for m in range(len(out))]
    return jnp.stack(columns, axis=1), jnp.zeros_like(rows)


combine.defvjp(_forward, _backward)
