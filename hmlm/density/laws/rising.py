"""Differences of log gamma and digamma functions that keep their digits for large arguments."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma, gammaln

LARGE = 1e3


def log_rising(a: Array, n: Array) -> Array:
    """``log Gamma(a + n) - log Gamma(a)``, by Stirling's series where a is large."""
    safe = jnp.maximum(a, LARGE)
    series = (safe - 0.5) * jnp.log1p(n / safe) + n * jnp.log(safe + n) - n
    rest = lambda x: 1.0 / (12.0 * x) - 1.0 / (360.0 * x**3)
    series = series + rest(safe + n) - rest(safe)
    return jnp.where(a > LARGE, series, gammaln(a + n) - gammaln(a))


def digamma_rising(a: Array, n: Array) -> Array:
    """``digamma(a + n) - digamma(a)``, the derivative of :func:`log_rising` by a."""
    safe = jnp.maximum(a, LARGE)
    rest = lambda x: 0.5 / x + 1.0 / (12.0 * x**2) - 1.0 / (120.0 * x**4)
    series = jnp.log1p(n / safe) - rest(safe + n) + rest(safe)
    return jnp.where(a > LARGE, series, digamma(a + n) - digamma(a))
