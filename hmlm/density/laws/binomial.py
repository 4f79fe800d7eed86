"""Successes in a number of trials, each with probability mu."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import betainc, gammaln
from numpyro import distributions as dist

from hmlm.density.laws.law import Extra, Law, Thetas


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    mu, n = theta["mu"], extra["trials"]
    return log_choose(n, y) + y * mu.log + (n - y) * mu.log1m


def log_choose(n: Array, y: Array) -> Array:
    """Logarithm of the binomial coefficient."""
    return gammaln(n + 1.0) - gammaln(y + 1.0) - gammaln(n - y + 1.0)


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    mu = theta["mu"].value
    return jax.random.binomial(key, extra["trials"], mu, shape, dtype=mu.dtype)


def _cdf(y: Array, theta: Thetas, extra: Extra) -> Array:
    mu, n = theta["mu"].value, extra["trials"]
    inside = betainc(jnp.maximum(n - y, 0.5), jnp.maximum(y, 0.0) + 1.0, 1.0 - mu)
    return jnp.where(y >= n, 1.0, jnp.where(y < 0, 0.0, inside))


def _variance(theta: Thetas, extra: Extra) -> Array:
    mu = theta["mu"].value
    return extra["trials"] * mu * (1.0 - mu)


LAW = Law(
    log_density=_log_density,
    score=lambda y, theta, extra: {"mu": y - extra["trials"] * theta["mu"].value},
    mean=lambda theta, extra: extra["trials"] * theta["mu"].value,
    variance=_variance,
    simulate=_simulate,
    numpyro=lambda theta, extra: dist.BinomialProbs(
        theta["mu"].value, extra["trials"].astype(int), validate_args=False
    ),
    start=lambda y, extra: {"mu": (y + 0.5) / (extra["trials"] + 1.0)},
    information={"mu": _variance},
    log_cdf=lambda y, theta, extra: jnp.log(_cdf(y, theta, extra)),
    log_sf=lambda y, theta, extra: jnp.log1p(-_cdf(y, theta, extra)),
    discrete=True,
)
