"""Integrate crossed group effects out of a Gaussian: group by group, then a dense remainder.

In whitened coordinates ``u = Lambda x`` the effects' precision given the data is ``A = I + Lambda'F Lambda``.
Those of the first factor (J groups, Q each) meet only their own group, so that their part of A is block
diagonal, ``A_j = C_jC_j'``. With ``X = C^-1 A_01`` the other S effects keep the Schur complement
``P = A_11 - X'X``, and with ``v = Lambda'g``

    log integral = v'A^-1 v / 2 - sum log diag C_j - log det P / 2

The gradient is that of the whole: ``d/dv = x``, ``d/dA = -(A^-1 + x x') / 2``, ``x = A^-1 v`` (Fisher's
identity), its blocks by the same elimination.

References:
    Bates et al. (2015), doi:10.18637/jss.v067.i01
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.kernels.small import Cholesky, cholesky, inverse, solve_lower, solve_lower_transposed


class System(NamedTuple):
    """``A - I`` and v by blocks.

    Attributes:
        precision: (Q, Q, J) of the first factor's effects.
        score: (Q, J).
        cross: (S, Q, J) between the others and those.
        rest: (S, S) of the others.
        rest_score: (S,).
    """

    precision: Array
    score: Array
    cross: Array
    rest: Array
    rest_score: Array


class Solution(NamedTuple):
    """What value, gradient and draws need.

    Attributes:
        root: C of every group.
        white: (Q, J) ``C^-1 v_0``.
        half: (S, Q, J) ``X'``.
        dense_root: (S, S) lower factor of P.
        rest_white: (S,) its inverse times ``v_1 - X'C^-1 v_0``.
        rest_x: (S,) mean of the others.
    """

    root: Cholesky
    white: Array
    half: Array
    dense_root: Array
    rest_white: Array
    rest_x: Array


@jax.custom_vjp
def eliminate_all(system: System) -> Array:
    """The log integral over all effects, a scalar."""
    return _forward(system)[0]


def solve(system: System) -> Solution:
    """Factorize ``A`` and solve for the mean of the dense remainder."""
    size, levels = system.score.shape
    root = cholesky(system.precision + jnp.eye(size, dtype=system.score.dtype)[:, :, None])
    white = solve_lower(root, system.score)
    half = solve_lower(root, system.cross.swapaxes(0, 1)).swapaxes(0, 1)
    flat = half.reshape(-1, size * levels)
    n_rest = len(flat)
    schur = jnp.eye(n_rest, dtype=flat.dtype) + system.rest - jnp.matmul(flat, flat.T, precision="highest")
    dense_root = jnp.linalg.cholesky(schur, symmetrize_input=False)
    right = system.rest_score - jnp.matmul(flat, white.ravel(), precision="highest")
    rest_white = jax.scipy.linalg.solve_triangular(dense_root, right, lower=True)
    rest_x = jax.scipy.linalg.solve_triangular(dense_root, rest_white, lower=True, trans=1)
    return Solution(root, white, half, dense_root, rest_white, rest_x)


def first_x(solution: Solution, rest_x: Array, noise: Array | float = 0.0) -> Array:
    """(Q, J) effects of the first factor given the others, with (Q, J) standard normal noise a draw."""
    carried = jnp.einsum("sqj,s->qj", solution.half, rest_x, precision="highest")
    return solve_lower_transposed(solution.root, solution.white - carried + noise)


def draw_all(system: System, noise: Array, rest_noise: Array) -> tuple[Array, Array]:
    """Exact draws (Q, J) and (S,) of the whitened effects given the data, from standard normal noise."""
    solution = solve(system)
    rest_x = jax.scipy.linalg.solve_triangular(
        solution.dense_root, solution.rest_white + rest_noise, lower=True, trans=1
    )
    return first_x(solution, rest_x, noise), rest_x


def _forward(system: System) -> tuple[Array, Solution]:
    solution = solve(system)
    quadratic = jnp.sum(solution.white**2) + jnp.sum(solution.rest_white**2)
    log_det = jnp.sum(solution.root.log_diagonal) + jnp.sum(jnp.log(jnp.diagonal(solution.dense_root)))
    return 0.5 * quadratic - log_det, solution


def _backward(solution: Solution, cotangent: Array) -> tuple[System]:
    rest_x = solution.rest_x
    x = first_x(solution, rest_x)
    n_rest = len(rest_x)
    size, levels = x.shape
    spread = jax.scipy.linalg.cho_solve((solution.dense_root, True), jnp.eye(n_rest, dtype=x.dtype))
    gain = solve_lower_transposed(solution.root, solution.half.swapaxes(0, 1)).swapaxes(0, 1)
    carried = jnp.matmul(spread, gain.reshape(n_rest, size * levels), precision="highest")
    carried = carried.reshape(gain.shape)
    first = inverse(solution.root) + jnp.einsum("saj,sbj->abj", carried, gain, precision="highest")
    return (
        System(
            precision=-0.5 * cotangent * (first + x[:, None] * x[None]),
            score=cotangent * x,
            cross=cotangent * (carried - rest_x[:, None, None] * x),
            rest=-0.5 * cotangent * (spread + rest_x[:, None] * rest_x),
            rest_score=cotangent * rest_x,
        ),
    )


eliminate_all.defvjp(_forward, _backward)
