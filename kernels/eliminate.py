"""Integrate group effects out of a Gaussian: ``u_j ~ N(0, Lambda Lambda')``, and draw them back.

Given the effects, the log likelihood of group j is quadratic, ``-u'F u / 2 + g'u`` up to a constant. With
``A = I + Lambda'F Lambda = CC'``, ``v = Lambda'g`` and ``x = A^-1 v`` the integral is

    log integral = v'x / 2 - sum log diag C

and given the data the effects are normal with mean ``m = Lambda x``, covariance ``V = Lambda A^-1 Lambda'``.
Gradients are the moments of the effects (Fisher's identity), so nothing differentiates a factorization:

    d/dg = m      d/dF = -(m m' + V) / 2      d/dLambda = sum_j g x' - F Lambda (A^-1 + x x')

References:
    Bates et al. (2015), doi:10.18637/jss.v067.i01
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.kernels.fusing import choose, product, sum_of
from hmlm.kernels.small import (
    UNROLLED,
    Cholesky,
    cholesky,
    congruence,
    inverse,
    inverse_entries,
    solve_lower,
    solve_lower_transposed,
    symmetric,
)


class Posterior(NamedTuple):
    """Moments of ``x = Lambda^-1 u`` given the data: factor C of A, its inverse times v, and x."""

    root: Cholesky
    white: Array
    x: Array


@jax.custom_vjp
def eliminate(precision: Array, score: Array, factor: Array) -> Array:
    """Log integral of every group.

    Args:
        precision: (Q, Q, J) symmetric F.
        score: (Q, J) g.
        factor: (Q, Q) lower Cholesky factor Lambda of the effects' covariance.

    Returns:
        (J,).
    """
    return _forward(precision, score, factor)[0]


def _forward(precision: Array, score: Array, factor: Array) -> tuple[Array, tuple]:
    root, white, x = posterior(precision, score, factor)
    value = 0.5 * jnp.sum(white * white, axis=0) - root.log_diagonal
    return value, (precision, score, factor, root, x)


def _backward(saved: tuple, cotangent: Array) -> tuple[Array, Array, Array]:
    written = _written_gradient if len(saved[1]) <= UNROLLED else _dense_gradient
    return choose(_dense_gradient, written, *saved, cotangent)


def _dense_gradient(
    precision: Array, score: Array, factor: Array, root: Cholesky, x: Array, cotangent: Array
) -> tuple[Array, Array, Array]:
    spread = inverse(root)
    second = spread + x[:, None] * x[None, :]
    mean = jnp.matmul(factor, x, precision="highest")
    left = jnp.einsum("ab,bcj->acj", factor, second, precision="highest")
    moment = congruence(factor.T, second)
    carried = jnp.einsum("abj,bcj->ac", cotangent * precision, left, precision="highest")
    d_factor = jnp.matmul(cotangent * score, x.T, precision="highest") - carried
    return cotangent * -0.5 * moment, cotangent * mean, jnp.tril(d_factor)


def _written_gradient(
    precision: Array, score: Array, factor: Array, root: Cholesky, x: Array, cotangent: Array
) -> tuple[Array, Array, Array]:
    """The same by entries, with one sum over groups at the end."""
    size, spread = len(x), inverse_entries(root)
    second = lambda b, c: spread[max(b, c)][min(b, c)] + x[b] * x[c]  # noqa: E731
    lower = lambda a, entry: sum_of([factor[a, b] * entry(b) for b in range(a + 1)])  # noqa: E731
    left = [[lower(a, lambda b, c=c: second(b, c)) for c in range(size)] for a in range(size)]
    mean = [lower(a, lambda b: x[b]) for a in range(size)]
    moment = [[lower(c, lambda b, a=a: left[a][b]) for c in range(a + 1)] for a in range(size)]
    carried = lambda a, c: sum_of([precision[a, b] * left[b][c] for b in range(size)])  # noqa: E731
    zero = jnp.zeros_like(x[0])
    terms = [[score[a] * x[c] - carried(a, c) if c <= a else zero for c in range(size)] for a in range(size)]
    d_factor = jnp.sum(cotangent * jnp.stack([jnp.stack(row) for row in terms]), axis=-1)
    return cotangent * -0.5 * symmetric(moment), cotangent * jnp.stack(mean), d_factor


eliminate.defvjp(_forward, _backward)


def posterior(precision: Array, score: Array, factor: Array) -> Posterior:
    """The whitened effects of every group given the data."""
    inner = congruence(factor, precision)
    root = cholesky(inner + jnp.eye(factor.shape[0], dtype=factor.dtype)[:, :, None])
    white = solve_lower(root, product(factor.T, score))
    return Posterior(root, white, solve_lower_transposed(root, white))


def draw_effects(precision: Array, score: Array, factor: Array, noise: Array) -> Array:
    """(Q, J) exact draws of the effects given the data, from (Q, J) standard normal noise."""
    root, _, x = posterior(precision, score, factor)
    return product(factor, x + solve_lower_transposed(root, noise))
