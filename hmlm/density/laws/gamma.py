"""Positive outcomes with mean mu and variance ``mu^2 / shape``."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma, gammainc, gammaincc, gammaln, polygamma
from numpyro import distributions as dist

from hmlm.density.laws.law import Extra, Law, Thetas


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    mu, shape = theta["mu"], theta["shape"]
    k = shape.value
    return k * (shape.log - mu.log) - gammaln(k) + (k - 1.0) * jnp.log(y) - k * y / mu.value


def _score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    mu, shape = theta["mu"], theta["shape"]
    ratio, k = y / mu.value, shape.value
    of_shape = 1.0 + shape.log - digamma(k) + jnp.log(y) - mu.log - ratio
    return {"mu": k * (ratio - 1.0), "shape": k * of_shape}


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    k = jnp.broadcast_to(theta["shape"].value, shape)
    return jax.random.gamma(key, k, shape, k.dtype) * theta["mu"].value / k


def _scaled(y: Array, theta: Thetas) -> Array:
    return theta["shape"].value * y / theta["mu"].value


def _information_on_shape(theta: Thetas, extra: Extra) -> Array:
    k = theta["shape"].value
    return k * k * polygamma(1, k) - k


LAW = Law(
    log_density=_log_density,
    score=_score,
    mean=lambda theta, extra: theta["mu"].value,
    variance=lambda theta, extra: theta["mu"].value ** 2 / theta["shape"].value,
    simulate=_simulate,
    numpyro=lambda theta, extra: dist.Gamma(theta["shape"].value, theta["shape"].value / theta["mu"].value),
    start=lambda y, extra: {"mu": y},
    information={"mu": lambda theta, extra: theta["shape"].value, "shape": _information_on_shape},
    log_cdf=lambda y, theta, extra: jnp.log(gammainc(theta["shape"].value, _scaled(y, theta))),
    log_sf=lambda y, theta, extra: jnp.log(gammaincc(theta["shape"].value, _scaled(y, theta))),
)
