"""Waiting times with mean mu, whose hazard grows with their ``shape - 1``-th power.

``z = (y / scale)^shape`` is exponential with mean one, ``scale = mu / Gamma(1 + 1 / shape)``.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import digamma, gammaln
from numpyro import distributions as dist

from hmlm.density.laws.law import Extra, Law, Thetas


def _log_z(y: Array, theta: Thetas) -> Array:
    return theta["shape"].value * (jnp.log(y) - _log_scale(theta))


def _log_scale(theta: Thetas) -> Array:
    return theta["mu"].log - gammaln(1.0 + 1.0 / theta["shape"].value)


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    log_z = _log_z(y, theta)
    return theta["shape"].log + log_z - jnp.log(y) - jnp.exp(log_z)


def _score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    log_z, shape = _log_z(y, theta), theta["shape"].value
    surplus = jnp.expm1(log_z)
    return {"mu": shape * surplus, "shape": 1.0 - surplus * (log_z - digamma(1.0 + 1.0 / shape))}


def _variance(theta: Thetas, extra: Extra) -> Array:
    inverse = 1.0 / theta["shape"].value
    return theta["mu"].value ** 2 * jnp.expm1(gammaln(1.0 + 2.0 * inverse) - 2.0 * gammaln(1.0 + inverse))


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    k = theta["shape"].value
    return jnp.exp(_log_scale(theta) + jnp.log(jax.random.exponential(key, shape, k.dtype)) / k)


def _information_on_shape(theta: Thetas, extra: Extra) -> Array:
    shift = 1.0 - np.euler_gamma - digamma(1.0 + 1.0 / theta["shape"].value)
    return math.pi**2 / 6.0 + shift**2


LAW = Law(
    log_density=_log_density,
    score=_score,
    mean=lambda theta, extra: theta["mu"].value,
    variance=_variance,
    simulate=_simulate,
    numpyro=lambda theta, extra: dist.Weibull(jnp.exp(_log_scale(theta)), theta["shape"].value),
    start=lambda y, extra: {"mu": y},
    information={
        "mu": lambda theta, extra: theta["shape"].value ** 2,
        "shape": _information_on_shape,
    },
    log_cdf=lambda y, theta, extra: jnp.log(-jnp.expm1(-jnp.exp(_log_z(y, theta)))),
    log_sf=lambda y, theta, extra: -jnp.exp(_log_z(y, theta)),
)
