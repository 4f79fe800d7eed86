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

from hmlm.kernels.small import Cholesky, cholesky, congruence, inverse, solve_lower, solve_lower_transposed


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
    precision, score, factor, root, x = saved
    spread = inverse(root)
    second = spread + x[:, None] * x[None, :]
    mean = factor @ x
    left = jnp.einsum("ab,bcj->acj", factor, second)
    moment = congruence(factor.T, second)
    d_factor = (cotangent * score) @ x.T - jnp.einsum("abj,bcj->ac", cotangent * precision, left)
    return cotangent * -0.5 * moment, cotangent * mean, jnp.tril(d_factor)


eliminate.defvjp(_forward, _backward)


def posterior(precision: Array, score: Array, factor: Array) -> Posterior:
    """The whitened effects of every group given the data."""
    inner = congruence(factor, precision)
    root = cholesky(inner + jnp.eye(factor.shape[0], dtype=factor.dtype)[:, :, None])
    white = solve_lower(root, factor.T @ score)
    return Posterior(root, white, solve_lower_transposed(root, white))


def draw_effects(precision: Array, score: Array, factor: Array, noise: Array) -> Array:
    """(Q, J) exact draws of the effects given the data, from (Q, J) standard normal noise."""
    root, _, x = posterior(precision, score, factor)
    return factor @ (x + solve_lower_transposed(root, noise))
