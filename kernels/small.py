"""Factorizations of many small matrices, unrolled over a trailing batch axis.

A batch is laid out (Q, Q, J): entry (a, b) of all J matrices is one vector, so that every operation is
elementwise over J; batched library calls on 3 x 3 matrices are scalar code on a CPU and dozens of
launches on a GPU. Matrices shared by all J are (Q, Q, 1).

Functions on entries take and return the entries themselves, in lists, for kernels that can't stack arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

Entries = Sequence[Sequence[Array]]

UNROLLED = 3  # largest size whose products are written out: beyond, code grows faster than it gains


class Cholesky(NamedTuple):
    """Lower factors C of a batch, by entries; of C[a, a] also the inverse and the logarithm."""

    entries: tuple[tuple[Array, ...], ...]
    inverse_diagonal: tuple[Array, ...]
    logs: tuple[Array, ...]

    @property
    def log_diagonal(self) -> Array:
        """(J,) ``sum_a log C[a, a]``."""
        return sum(self.logs[1:], start=self.logs[0])

    def tail(self, size: int) -> Cholesky:
        """The last ``size`` rows and columns: the factor of what is left after eliminating the others."""
        start = len(self.entries) - size
        rows = tuple(row[start:] for row in self.entries[start:])
        return Cholesky(rows, self.inverse_diagonal[start:], self.logs[start:])


def cholesky(matrix: Array) -> Cholesky:
    """``C C' = matrix`` for (Q, Q, J) symmetric positive definite matrices."""
    size = matrix.shape[0]
    return cholesky_entries([[matrix[a, b] for b in range(a + 1)] for a in range(size)])


def cholesky_entries(lower: Entries) -> Cholesky:
    """``C C'`` = the matrix with these rows of the lower triangle."""
    size = len(lower)
    rows: list[list[Array]] = [[] for _ in range(size)]
    inverse: list[Array] = []
    logs: list[Array] = []
    for b in range(size):
        pivot = lower[b][b] - sum(rows[b][k] ** 2 for k in range(b))
        inverse.append(lax.rsqrt(pivot))
        logs.append(0.5 * jnp.log(pivot))
        rows[b].append(pivot * inverse[b])
        for a in range(b + 1, size):
            value = lower[a][b] - sum(rows[a][k] * rows[b][k] for k in range(b))
            rows[a].append(value * inverse[b])
    return Cholesky(tuple(tuple(row) for row in rows), tuple(inverse), tuple(logs))


def solve_lower(factor: Cholesky, right: Array) -> Array:
    """``C^-1 right`` for (Q, J) right-hand sides."""
    return jnp.stack(solve_lower_entries(factor, right))


def solve_lower_entries(factor: Cholesky, right: Array | Sequence[Array]) -> list[Array]:
    """``C^-1 right`` for the entries of a right-hand side."""
    out: list[Array] = []
    for a in range(len(right)):
        known = sum(factor.entries[a][k] * out[k] for k in range(a))
        out.append((right[a] - known) * factor.inverse_diagonal[a])
    return out


def solve_lower_transposed(factor: Cholesky, right: Array) -> Array:
    """``C^-T right`` for (Q, J) right-hand sides."""
    return jnp.stack(solve_lower_transposed_entries(factor, right))


def solve_lower_transposed_entries(factor: Cholesky, right: Array | Sequence[Array]) -> list[Array]:
    """``C^-T right`` for the entries of a right-hand side."""
    size = len(right)
    out: list[Array] = [right[0]] * size
    for a in reversed(range(size)):
        known = sum(factor.entries[k][a] * out[k] for k in range(a + 1, size))
        out[a] = (right[a] - known) * factor.inverse_diagonal[a]
    return out


def lower_product_transposed(factor: Cholesky, right: Array) -> Array:
    """``C' right`` for (Q, J) right-hand sides."""
    size = right.shape[0]
    return jnp.stack([sum(factor.entries[k][a] * right[k] for k in range(a, size)) for a in range(size)])


def log_diagonal(factor: Array) -> Array:
    """Sum of the logs of the diagonal of (Q, Q, ...): half the log determinant for a Cholesky factor."""
    return jnp.sum(jnp.log(jnp.einsum("aa...->a...", factor)), axis=0)


def inverse(factor: Cholesky) -> Array:
    """(Q, Q, J) ``(C C')^-1``, symmetric."""
    return symmetric(inverse_entries(factor))


def inverse_entries(factor: Cholesky) -> list[list[Array]]:
    """The lower triangle of ``(C C')^-1``, row by row."""
    size = len(factor.inverse_diagonal)
    lower = _inverse_lower(factor)
    return [
        [sum(lower[k][a] * lower[k][b] for k in range(a, size)) for b in range(a + 1)] for a in range(size)
    ]


def congruence(left: Array, matrix: Array) -> Array:
    """(Q, Q, J) ``left' matrix left`` for (Q, Q) ``left`` and symmetric (Q, Q, J) ``matrix``."""
    size = left.shape[0]
    if size > UNROLLED:
        return jnp.einsum("ca,cdj,db->abj", left, matrix, left, precision="highest")
    half = [[sum(matrix[c, d] * left[d, b] for d in range(size)) for b in range(size)] for c in range(size)]
    return symmetric(
        [[sum(left[c, a] * half[c][b] for c in range(size)) for b in range(a + 1)] for a in range(size)]
    )


def symmetric(lower: Entries) -> Array:
    """(Q, Q, J) from the rows of the lower triangle."""
    size = len(lower)
    return jnp.stack([jnp.stack([lower[max(a, b)][min(a, b)] for b in range(size)]) for a in range(size)])


def _inverse_lower(factor: Cholesky) -> list[list[Array]]:
    """Entries of ``C^-1``, row by row of the lower triangle."""
    out: list[list[Array]] = []
    for a, diagonal in enumerate(factor.inverse_diagonal):
        row = [-diagonal * sum(factor.entries[a][k] * out[k][b] for k in range(b, a)) for b in range(a)]
        out.append([*row, diagonal])
    return out
