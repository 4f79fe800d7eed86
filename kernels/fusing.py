"""The same small computations twice: as a CPU does them best, and written out for compilers that fuse.

On a GPU a kernel launch costs more than the arithmetic of a small matrix. Launches end where a sum or a
matrix product begins, so that there sums and products of a few terms are written out, entry by entry, and
what is small is computed once, side by side. On a CPU library products and compact loops are faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

FEW = 32  # terms of a sum that is written out
MOST = 64  # terms of a matrix product that is


def choose(cpu: Callable, other: Callable, *arguments: Any) -> Any:
    """``cpu(*arguments)`` where a program is compiled for a CPU, ``other(*arguments)`` elsewhere."""
    return lax.platform_dependent(*arguments, cpu=cpu, default=other)


@jax.custom_vjp
def together(*arrays: Array) -> tuple[Array, ...]:
    """The same arrays; on a GPU computed by one kernel, before anything reads them."""
    return choose(lambda *same: same, _gathered, *arrays)


def _gathered(*arrays: Array) -> tuple[Array, ...]:
    flat = lax.optimization_barrier(jnp.concatenate([array.ravel() for array in arrays]))
    parts = lax.split(flat, [math.prod(array.shape) for array in arrays])
    return tuple(part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True))


together.defvjp(lambda *arrays: (together(*arrays), None), lambda _, cotangents: cotangents)


@jax.custom_vjp
def add_up(*parts: Array) -> Array:
    """Sum of the entries of (n,) arrays."""
    return choose(_sums, _written_sum, *parts)


def _sums(*parts: Array) -> Array:
    return sum_of([jnp.sum(part) for part in parts])


def _written_sum(*parts: Array) -> Array:
    if not 0 < sum(part.size for part in parts) <= FEW:
        return _sums(*parts)
    return sum_of([part[i] for part in parts for i in range(len(part))])


add_up.defvjp(
    lambda *parts: (add_up(*parts), parts),
    lambda parts, cotangent: tuple(jnp.broadcast_to(cotangent, part.shape) for part in parts),
)


@jax.custom_vjp
def product(left: Array, right: Array) -> Array:
    """(P, J) ``left right`` for (P, Q) and (Q, J)."""
    return choose(_matmul, _written_product, left, right)


def _matmul(left: Array, right: Array) -> Array:
    if right.shape[1] == 1:
        return jnp.matmul(left, right[:, 0], precision="highest")[:, None]
    return jnp.matmul(left, right, precision="highest")


def _written_product(left: Array, right: Array) -> Array:
    rows, size = left.shape
    if not 0 < rows * size <= MOST:
        return _matmul(left, right)
    return jnp.stack([sum_of([left[a, b] * right[b] for b in range(size)]) for a in range(rows)])


def _outer(left: Array, right: Array) -> Array:
    """(P, Q) ``left right'`` for (P, J) and (Q, J)."""
    return choose(
        lambda a, b: _matmul(a, b.T), lambda a, b: jnp.sum(a[:, None] * b[None], axis=-1), left, right
    )


product.defvjp(
    lambda left, right: (product(left, right), (left, right)),
    lambda saved, cotangent: (_outer(cotangent, saved[1]), product(saved[0].T, cotangent)),
)


def sum_of(terms: list[Array]) -> Array:
    """Sum of arrays, without a zero to start from."""
    return sum(terms[1:], start=terms[0])
