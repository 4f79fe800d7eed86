"""Positive outcomes whose logarithm is normal with mean mu and standard deviation sigma."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import log_ndtr
from numpyro import distributions as dist

from hmlm.density.laws import gaussian
from hmlm.density.laws.law import Extra, Law, Thetas


def _mean(theta: Thetas, extra: Extra) -> Array:
    return jnp.exp(theta["mu"].value + 0.5 * theta["sigma"].value ** 2)


LAW = Law(
    log_density=lambda y, theta, extra: gaussian.log_density(jnp.log(y), theta, extra) - jnp.log(y),
    score=lambda y, theta, extra: gaussian.score(jnp.log(y), theta, extra),
    mean=_mean,
    variance=lambda theta, extra: jnp.expm1(theta["sigma"].value ** 2) * _mean(theta, extra) ** 2,
    simulate=lambda key, theta, extra, shape: jnp.exp(gaussian.simulate(key, theta, extra, shape)),
    numpyro=lambda theta, extra: dist.LogNormal(theta["mu"].value, theta["sigma"].value),
    start=lambda y, extra: gaussian.start(jnp.log(y), extra),
    information=gaussian.INFORMATION,
    log_cdf=lambda y, theta, extra: log_ndtr(gaussian.scaled(jnp.log(y), theta)),
    log_sf=lambda y, theta, extra: log_ndtr(-gaussian.scaled(jnp.log(y), theta)),
)
