"""Waiting times with mean mu and standard deviation mu."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist

from hmlm.density.laws.law import Extra, Law, Thetas

ABOVE_ZERO = 0.1  # a first guess of the mean where an outcome is zero, of the mean of all


def _passed(y: Array, theta: Thetas) -> Array:
    """The outcome in units of its mean."""
    return y * jnp.exp(-theta["mu"].log)


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    mu = theta["mu"].value
    return mu * jax.random.exponential(key, shape, mu.dtype)


LAW = Law(
    log_density=lambda y, theta, extra: -theta["mu"].log - _passed(y, theta),
    score=lambda y, theta, extra: {"mu": _passed(y, theta) - 1.0},
    mean=lambda theta, extra: theta["mu"].value,
    variance=lambda theta, extra: theta["mu"].value ** 2,
    simulate=_simulate,
    numpyro=lambda theta, extra: dist.Exponential(1.0 / theta["mu"].value),
    start=lambda y, extra: {"mu": y + ABOVE_ZERO * jnp.mean(y)},
    information={"mu": lambda theta, extra: jnp.ones_like(theta["mu"].log)},
    log_cdf=lambda y, theta, extra: jnp.log(-jnp.expm1(-jnp.maximum(_passed(y, theta), 0.0))),
    log_sf=lambda y, theta, extra: -jnp.maximum(_passed(y, theta), 0.0),
)
