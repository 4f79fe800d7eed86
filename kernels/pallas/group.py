"""The algebra of one group, from its moments to its value and gradient, written out entry by entry.

    X = sum over rows of v v',  v = [z / sigma of the effect's outcome ; r / sigma]
    F_ab = P[o_a, o_b] X_ab    g_a = sum_m P[o_a, m] X_a,m    c = sum_mn P_mn X_mn

and then as :mod:`hmlm.kernels.rows`. The gradient for the moments is ``H / 2``, so that of a row's v is
``H v``. An entry is one group's scalar or the lanes of many groups: Mosaic kernels can't index into arrays
that live in registers, so matrices are lists of rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add, mul
from typing import NamedTuple

from jax import Array

from hmlm.kernels.small import (
    Entries,
    cholesky_entries,
    inverse_entries,
    solve_lower_entries,
    solve_lower_transposed_entries,
)


class Gradient(NamedTuple):
    """Of one group: H (E, E), for P (M, M), and rows of the lower triangle for Lambda."""

    slope: list[list[Array]]
    precision: list[list[Array]]
    factor: list[list[Array]]


def evaluate_group(
    outcomes: tuple[int, ...], moments: Entries, precision: Entries, factor: Entries
) -> tuple[Array, Gradient]:
    """``-c / 2 + |C^-1 v|^2 / 2 - sum log diag C`` and its gradient.

    Args:
        outcomes: of the Q effects.
        moments: X (E, E), E = Q + M.
        precision: P (M, M).
        factor: rows of the lower triangle of Lambda.
    """
    F, g, c = _system(outcomes, moments, precision)
    if not outcomes:
        return -0.5 * c, Gradient(_slope((), precision, [], []), _precision_gradient((), moments, [], []), [])
    root = cholesky_entries(_inner(F, factor))
    white = solve_lower_entries(root, _transposed_product(factor, g))
    x = solve_lower_transposed_entries(root, white)
    value = 0.5 * (dot(white, white) - c) - root.log_diagonal
    second = [
        [spread + x[a] * x[b] for b, spread in enumerate(row)] for a, row in enumerate(inverse_entries(root))
    ]
    left = _lower_product(factor, full(second))
    mean = [dot(row, x) for row in factor]
    covariance = full([[dot(factor[b], left[a]) for b in range(a + 1)] for a in range(len(g))])
    d_factor = [[g[a] * x[b] - dot(F[a], column(left, b)) for b in range(a + 1)] for a in range(len(g))]
    slope = _slope(outcomes, precision, covariance, mean)
    return value, Gradient(slope, _precision_gradient(outcomes, moments, covariance, mean), d_factor)


def dot(left: Iterable[Array], right: Iterable[Array]) -> Array:
    """Sum of products, of as many as the shorter has."""
    return reduce(add, map(mul, left, right))


def column(rows: Entries, b: int) -> list[Array]:
    """Column ``b``."""
    return [row[b] for row in rows]


def full(lower: Entries) -> list[list[Array]]:
    """All entries of a symmetric matrix from the rows of its lower triangle."""
    size = len(lower)
    return [[lower[max(a, b)][min(a, b)] for b in range(size)] for a in range(size)]


def _system(outcomes: tuple[int, ...], moments: Entries, precision: Entries) -> tuple[list, list, Array]:
    """F (Q, Q), g (Q,) and c."""
    size = len(outcomes)
    F = [
        [precision[k][l] * moments[a][b] for b, l in enumerate(outcomes[: a + 1])]
        for a, k in enumerate(outcomes)
    ]
    g = [dot(precision[k], moments[a][size:]) for a, k in enumerate(outcomes)]
    c = reduce(add, [dot(row, moments[size + m][size:]) for m, row in enumerate(precision)])
    return full(F), g, c


def _inner(F: Entries, factor: Entries) -> list[list[Array]]:
    """Rows of the lower triangle of ``I + Lambda'F Lambda``."""
    size = len(F)
    half = [_transposed_product(factor, row) for row in F]
    inner = [[_below(factor, a, column(half, b)) for b in range(a + 1)] for a in range(size)]
    return [[*row[:a], 1.0 + row[a]] for a, row in enumerate(inner)]


def _transposed_product(factor: Entries, right: list[Array]) -> list[Array]:
    """``Lambda' right``."""
    return [_below(factor, b, right) for b in range(len(factor))]


def _below(factor: Entries, b: int, right: list[Array]) -> Array:
    return dot([row[b] for row in factor[b:]], right[b:])


def _lower_product(factor: Entries, right: Entries) -> list[list[Array]]:
    """``Lambda right``."""
    return [[dot(row, column(right, b)) for b in range(len(right))] for row in factor]


def _slope(
    outcomes: tuple[int, ...], precision: Entries, covariance: Entries, mean: list[Array]
) -> list[list[Array]]:
    """H: ``-P covariance`` between effects, ``P mean`` with outcomes, ``-P`` between outcomes."""
    size = len(outcomes)
    effects = [
        [-(precision[k][l] * covariance[a][b]) for b, l in enumerate(outcomes)]
        for a, k in enumerate(outcomes)
    ]
    cross = [[p * mean[a] for p in precision[k]] for a, k in enumerate(outcomes)]
    rows = [effects[a] + cross[a] for a in range(size)]
    return rows + [column(cross, m) + [-p for p in row] for m, row in enumerate(precision)]


def _precision_gradient(
    outcomes: tuple[int, ...], moments: Entries, covariance: Entries, mean: list[Array]
) -> list[list[Array]]:
    """``sum_a m_a X_al - (sum_ab covariance_ab X_ab + X_kl) / 2``, effects a of outcome k and b of l."""
    size, n_outcomes = len(outcomes), len(moments) - len(outcomes)
    of = [[a for a in range(size) if outcomes[a] == m] for m in range(n_outcomes)]

    def entry(k: int, l: int) -> Array:
        quadratic = [covariance[a][b] * moments[a][b] for a in of[k] for b in of[l]]
        linear = [mean[a] * moments[a][size + l] for a in of[k]]
        half = -0.5 * reduce(add, [*quadratic, moments[size + k][size + l]])
        return reduce(add, [*linear, half])

    return [[entry(k, l) for l in range(n_outcomes)] for k in range(n_outcomes)]
