"""Cholesky factors of correlation matrices from unconstrained vectors, unrolled.

The map is NumPyro's (and Stan's): row ``a`` breaks a stick of unit length into ``tanh(x)`` shares.
Written out entry by entry it needs no scatter.

References:
    Lewandowski, Kurowicka & Joe (2009), doi:10.1016/j.jmva.2009.04.008
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.kernels.fusing import add_up


def n_correlations(size: int) -> int:
    """Number of free correlations of a (size, size) matrix."""
    return size * (size - 1) // 2


def correlation_cholesky(size: int, x: Array) -> tuple[Array, Array]:
    """Lower Cholesky factor of a correlation matrix and its log Jacobian.

    Args:
        size: Q.
        x: (Q (Q - 1) / 2,) unconstrained, row by row of the strict lower triangle.

    Returns:
        (Q, Q) factor L with unit rows; ``log |d L / d x|`` over the strict lower triangle.
    """
    rows, jacobian = [], jnp.zeros((), x.dtype)
    for a in range(size):
        start = n_correlations(a)
        row, log_rest, log_det = _stick(x[start : start + a])
        rows.append(jnp.concatenate([row, jnp.exp(log_rest)[None], jnp.zeros(size - a - 1, x.dtype)]))
        jacobian = jacobian + log_det
    return jnp.stack(rows), jacobian


def _stick(x: Array) -> tuple[Array, Array, Array]:
    log_share = -2.0 * (x + jax.nn.softplus(-2.0 * x) - math.log(2.0))
    log_rest = jnp.concatenate([jnp.zeros(1, x.dtype), 0.5 * jnp.cumsum(log_share)])
    row = jnp.tanh(x) * jnp.exp(log_rest[:-1])
    return row, log_rest[-1], add_up(log_share + log_rest[:-1])


def lkj_log_density(factor: Array, shape: float) -> Array:
    """Log density of LKJ(shape) for a Cholesky factor, up to a constant."""
    size = factor.shape[0]
    power = size - 1.0 - np.arange(1, size) + 2.0 * (shape - 1.0)
    return add_up(power * jnp.log(jnp.stack([factor[a, a] for a in range(1, size)])))


def correlation_unconstrained(matrix: np.ndarray) -> np.ndarray:
    """The x of :func:`correlation_cholesky` for a (Q, Q) correlation matrix, on the host."""
    factor = np.linalg.cholesky(matrix)
    out = []
    for a in range(1, len(matrix)):
        rest = 1.0
        for b in range(a):
            share = np.clip(factor[a, b] / np.sqrt(rest), -0.999999, 0.999999)
            out.append(np.arctanh(share))
            rest = max(rest - factor[a, b] ** 2, 1e-12)
    return np.array(out)
