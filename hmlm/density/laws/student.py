"""Outcomes with heavy tails: Student's t with nu degrees of freedom, location mu and scale sigma."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma, gammaln
from numpyro import distributions as dist

from hmlm.density.laws.gaussian import scaled, start
from hmlm.density.laws.incomplete_beta import log_betainc
from hmlm.density.laws.law import Extra, Law, Thetas


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    nu, z = theta["nu"].value, scaled(y, theta)
    constant = gammaln(0.5 * (nu + 1.0)) - gammaln(0.5 * nu) - 0.5 * jnp.log(math.pi * nu)
    return constant - theta["sigma"].log - 0.5 * (nu + 1.0) * jnp.log1p(z * z / nu)


def _score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    nu, z = theta["nu"].value, scaled(y, theta)
    weight = (nu + 1.0) / (nu + z * z)
    half = 0.5 * (digamma(0.5 * (nu + 1.0)) - digamma(0.5 * nu) - jnp.log1p(z * z / nu))
    of_nu = half + 0.5 * (weight * z * z - 1.0) / nu
    return {
        "mu": weight * z * jnp.exp(-theta["sigma"].log),
        "sigma": weight * z * z - 1.0,
        "nu": (nu - 1.0) * of_nu,
    }


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    mu = theta["mu"].value
    draws = jax.random.t(key, jnp.broadcast_to(theta["nu"].value, shape), shape, mu.dtype)
    return mu + theta["sigma"].value * draws


def _log_tail(z: Array, nu: Array) -> Array:
    """Log probability of a standard t above z."""
    log_half = log_betainc(0.5 * nu, 0.5, nu / (nu + z * z)) - math.log(2.0)
    return jnp.where(z > 0, log_half, jnp.log1p(-jnp.exp(log_half)))


def _variance(theta: Thetas, extra: Extra) -> Array:
    nu = theta["nu"].value
    return theta["sigma"].value ** 2 * jnp.where(nu > 2.0, nu / jnp.maximum(nu - 2.0, 1e-300), jnp.inf)


def _share(theta: Thetas) -> Array:
    nu = theta["nu"].value
    return (nu + 1.0) / (nu + 3.0)


LAW = Law(
    log_density=_log_density,
    score=_score,
    mean=lambda theta, extra: theta["mu"].value,
    variance=_variance,
    simulate=_simulate,
    numpyro=lambda theta, extra: dist.StudentT(theta["nu"].value, theta["mu"].value, theta["sigma"].value),
    start=lambda y, extra: start(y, extra) | {"nu": jnp.asarray(10.0)},
    information={
        "mu": lambda theta, extra: _share(theta) * jnp.exp(-2.0 * theta["sigma"].log),
        "sigma": lambda theta, extra: 2.0 * _share(theta) - 2.0 / (theta["nu"].value + 3.0),
    },
    log_cdf=lambda y, theta, extra: _log_tail(-scaled(y, theta), theta["nu"].value),
    log_sf=lambda y, theta, extra: _log_tail(scaled(y, theta), theta["nu"].value),
)
