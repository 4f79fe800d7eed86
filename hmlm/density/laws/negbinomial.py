"""Counts with mean mu and variance ``mu + mu^2 / shape``."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma, gammaln
from numpyro import distributions as dist

from hmlm.density.laws.incomplete_beta import log_betainc
from hmlm.density.laws.law import Extra, Law, Thetas
from hmlm.density.laws.poisson import above_zero, at_counts


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    mu, shape = theta["mu"], theta["shape"]
    log_total = jnp.logaddexp(mu.log, shape.log)
    choose = gammaln(y + shape.value) - gammaln(shape.value) - gammaln(y + 1.0)
    return choose + shape.value * (shape.log - log_total) + y * (mu.log - log_total)


def _score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    mu, shape = theta["mu"], theta["shape"]
    total = mu.value + shape.value
    log_share = shape.log - jnp.logaddexp(mu.log, shape.log)
    of_shape = digamma(y + shape.value) - digamma(shape.value) + log_share + (mu.value - y) / total
    return {"mu": shape.value * (y - mu.value) / total, "shape": shape.value * of_shape}


def _variance(theta: Thetas, extra: Extra) -> Array:
    mu = theta["mu"].value
    return mu + mu * mu / theta["shape"].value


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    of_rate, of_count = jax.random.split(key)
    k = jnp.broadcast_to(theta["shape"].value, shape)
    rate = jax.random.gamma(of_rate, k, shape, k.dtype) * theta["mu"].value / k
    return jax.random.poisson(of_count, rate, shape).astype(k.dtype)


def _log_cdf(y: Array, theta: Thetas, extra: Extra) -> Array:
    mu, shape = theta["mu"].value, theta["shape"].value
    return at_counts(y, log_betainc(shape, above_zero(y), shape / (shape + mu)), -jnp.inf)


def _log_sf(y: Array, theta: Thetas, extra: Extra) -> Array:
    mu, shape = theta["mu"].value, theta["shape"].value
    return at_counts(y, log_betainc(above_zero(y), shape, mu / (shape + mu)), 0.0)


LAW = Law(
    log_density=_log_density,
    score=_score,
    mean=lambda theta, extra: theta["mu"].value,
    variance=_variance,
    simulate=_simulate,
    numpyro=lambda theta, extra: dist.NegativeBinomial2(theta["mu"].value, theta["shape"].value),
    start=lambda y, extra: {"mu": y + 0.5},
    information={"mu": lambda theta, extra: theta["mu"].value ** 2 / _variance(theta, extra)},
    log_cdf=_log_cdf,
    log_sf=_log_sf,
    discrete=True,
)
