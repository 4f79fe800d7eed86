"""Log density of rows of one or several Gaussian outcomes with row-wise or constant scale."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

LOG_2PI = math.log(2 * math.pi)


def gaussian_rows(residual: Array, log_sigma: Array, rescor: Array | None) -> Array:
    """``sum_n log N(residual_n | 0, D_n R D_n)`` with ``D_n = diag(exp(log_sigma_n))``.

    Args:
        residual: (M, N) outcome minus mean.
        log_sigma: (M, N) or (M, 1) log standard deviations.
        rescor: (M, M) lower Cholesky factor of R, None for the identity.

    Returns:
        scalar.
    """
    n_outcomes, n_rows = residual.shape
    scaled = residual * jnp.exp(-log_sigma)
    white = scaled if rescor is None else _whiten(scaled, rescor)
    log_det = jnp.sum(log_sigma) * (n_rows / log_sigma.shape[1])
    if rescor is not None:
        log_det = log_det + n_rows * jnp.sum(jnp.log(jnp.einsum("aa->a", rescor)))
    return -0.5 * jnp.sum(white * white) - log_det - 0.5 * LOG_2PI * n_outcomes * n_rows


def _whiten(rows: Array, factor: Array) -> Array:
    """``factor^-1 rows`` by forward substitution, unrolled over the few outcomes."""
    out: list[Array] = []
    for m in range(rows.shape[0]):
        known = sum((factor[m, k] * out[k] for k in range(m)), start=jnp.zeros_like(rows[m]))
        out.append((rows[m] - known) / factor[m, m])
    return jnp.stack(out)
