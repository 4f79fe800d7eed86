"""Normal outcomes with mean mu and standard deviation sigma."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import log_ndtr
from numpyro import distributions as dist

from hmlm.density.laws.law import Extra, Law, Thetas

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def scaled(y: Array, theta: Thetas) -> Array:
    """Residual over sigma."""
    return (y - theta["mu"].value) * jnp.exp(-theta["sigma"].log)


def log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    """Of the normal distribution."""
    return -0.5 * scaled(y, theta) ** 2 - theta["sigma"].log - HALF_LOG_2PI


def score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    """By mu and log sigma."""
    z = scaled(y, theta)
    return {"mu": z * jnp.exp(-theta["sigma"].log), "sigma": z * z - 1.0}


def simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    """Normal outcomes."""
    mu = theta["mu"].value
    return mu + theta["sigma"].value * jax.random.normal(key, shape, mu.dtype)


def start(y: Array, extra: Extra) -> dict[str, Array]:
    """Mean and standard deviation of all outcomes."""
    return {"mu": jnp.full_like(y, jnp.mean(y)), "sigma": jnp.std(y)}


INFORMATION = {
    "mu": lambda theta, extra: jnp.exp(-2.0 * theta["sigma"].log),
    "sigma": lambda theta, extra: jnp.full_like(theta["sigma"].log, 2.0),
}

LAW = Law(
    log_density=log_density,
    score=score,
    mean=lambda theta, extra: theta["mu"].value,
    variance=lambda theta, extra: theta["sigma"].value ** 2,
    simulate=simulate,
    numpyro=lambda theta, extra: dist.Normal(theta["mu"].value, theta["sigma"].value),
    start=start,
    information=INFORMATION,
    log_cdf=lambda y, theta, extra: log_ndtr(scaled(y, theta)),
    log_sf=lambda y, theta, extra: log_ndtr(-scaled(y, theta)),
)
