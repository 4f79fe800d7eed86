"""Counts with mean mu."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammainc, gammaincc, gammaln
from numpyro import distributions as dist

from hmlm.density.laws.law import Extra, Law, Thetas


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    mu = theta["mu"]
    return y * mu.log - mu.value - gammaln(y + 1.0)


def at_counts(y: Array, value: Array, below: float) -> Array:
    """The value where y is a count, another below zero."""
    return jnp.where(y < 0.0, below, value)


def above_zero(y: Array) -> Array:
    """``y + 1``, and 1 below zero, where nothing is read."""
    return jnp.maximum(y, 0.0) + 1.0


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    mu = theta["mu"].value
    return jax.random.poisson(key, mu, shape).astype(mu.dtype)


LAW = Law(
    log_density=_log_density,
    score=lambda y, theta, extra: {"mu": y - theta["mu"].value},
    mean=lambda theta, extra: theta["mu"].value,
    variance=lambda theta, extra: theta["mu"].value,
    simulate=_simulate,
    numpyro=lambda theta, extra: dist.Poisson(theta["mu"].value),
    start=lambda y, extra: {"mu": y + 0.5},
    information={"mu": lambda theta, extra: theta["mu"].value},
    log_cdf=lambda y, theta, extra: at_counts(
        y, jnp.log(gammaincc(above_zero(y), theta["mu"].value)), -jnp.inf
    ),
    log_sf=lambda y, theta, extra: at_counts(y, jnp.log(gammainc(above_zero(y), theta["mu"].value)), 0.0),
    discrete=True,
)
