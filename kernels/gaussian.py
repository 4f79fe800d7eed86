"""Log density of rows of one or several Gaussian outcomes with row-wise or constant scale."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from hmlm.kernels.small import log_diagonal

LOG_2PI = math.log(2 * math.pi)


def gaussian_rows(residual: Array, log_sigma: Array, rescor: Array | None, n_rows: Array) -> Array:
    """``sum_n log N(residual_n | 0, D_n R D_n)`` with ``D_n = diag(exp(log_sigma_n))``.

    Args:
        residual: (M, *rows) outcome minus mean, zero for rows of padding.
        log_sigma: (M, *rows) log standard deviations, zero for rows of padding; (M, 1, ...) where constant.
        rescor: (M, M) lower Cholesky factor of R, (M, M, *rows) where it differs between rows (the identity
            for rows of padding), None for the identity.
        n_rows: N, without padding.

    Returns:
        scalar.
    """
    n_outcomes = residual.shape[0]
    white = _white(residual, log_sigma, rescor)
    log_det = jnp.sum(log_sigma) * (n_rows if log_sigma.size == n_outcomes else 1)
    if rescor is not None:
        log_det = log_det + jnp.sum(log_diagonal(rescor)) * (n_rows if rescor.ndim == 2 else 1)
    return -0.5 * jnp.sum(white * white) - log_det - 0.5 * LOG_2PI * n_outcomes * n_rows


def gaussian_each(residual: Array, log_sigma: Array, rescor: Array | None) -> Array:
    """(*rows) log density of every row; arguments as :func:`gaussian_rows`."""
    n_outcomes = residual.shape[0]
    white = _white(residual, log_sigma, rescor)
    log_det = jnp.sum(log_sigma, axis=0)
    if rescor is not None:
        log_det = log_det + log_diagonal(rescor)
    return -0.5 * jnp.sum(white * white, axis=0) - log_det - 0.5 * LOG_2PI * n_outcomes


def _white(residual: Array, log_sigma: Array, rescor: Array | None) -> Array:
    """(M, *rows) residuals made independent and standard normal."""
    scaled = residual * jnp.exp(-log_sigma)
    return scaled if rescor is None else _whiten(scaled, rescor)


def _whiten(rows: Array, factor: Array) -> Array:
    """``factor^-1 rows`` by forward substitution, unrolled over the few outcomes."""
    out: list[Array] = []
    for m in range(rows.shape[0]):
        known = sum((factor[m, k] * out[k] for k in range(m)), start=jnp.zeros_like(rows[m]))
        out.append((rows[m] - known) / factor[m, m])
    return jnp.stack(out)
