"""Positive outcomes with mean mu and variance ``mu^3 / shape``.

References:
    Michael, Schucany & Haas (1976), doi:10.1080/00031305.1976.10479147
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import log_ndtr
from numpyro.distributions import constraints

from hmlm.density.laws.law import Extra, Law, Thetas
from hmlm.density.laws.stated import Stated


def _excess(y: Array, theta: Thetas) -> Array:
    """``y / mu - 1``."""
    return y * jnp.exp(-theta["mu"].log) - 1.0


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    shape = theta["shape"]
    square = shape.value * _excess(y, theta) ** 2 / y
    return 0.5 * (shape.log - math.log(2 * math.pi) - 3.0 * jnp.log(y) - square)


def _score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    shape, excess = theta["shape"].value, _excess(y, theta)
    return {
        "mu": shape * excess * jnp.exp(-theta["mu"].log),
        "shape": 0.5 * (1.0 - shape * excess**2 / y),
    }


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    """The smaller root of the square that is chi-squared, or by its probability the larger one."""
    mu, k = theta["mu"].value, theta["shape"].value
    of_square, of_root = jax.random.split(key)
    half = 0.5 * mu / k * jax.random.normal(of_square, shape, mu.dtype) ** 2
    ratio = 1.0 / (1.0 + half + jnp.sqrt(half * (2.0 + half)))
    smaller = jax.random.uniform(of_root, shape, mu.dtype) * (1.0 + ratio) < 1.0
    return mu * jnp.where(smaller, ratio, 1.0 / ratio)


def _tails(y: Array, theta: Thetas) -> tuple[Array, Array, Array]:
    """Log of the three normal probabilities that the distribution function is made of."""
    root, ratio = jnp.sqrt(theta["shape"].value / y), y * jnp.exp(-theta["mu"].log)
    mirrored = 2.0 * theta["shape"].value * jnp.exp(-theta["mu"].log) + log_ndtr(-root * (ratio + 1.0))
    return log_ndtr(root * (ratio - 1.0)), log_ndtr(-root * (ratio - 1.0)), mirrored


def _log_cdf(y: Array, theta: Thetas, extra: Extra) -> Array:
    below, _, mirrored = _tails(y, theta)
    return jnp.logaddexp(below, mirrored)


def _log_sf(y: Array, theta: Thetas, extra: Extra) -> Array:
    _, above, mirrored = _tails(y, theta)
    return above + jnp.log(-jnp.expm1(mirrored - above))


def _numpyro(theta: Thetas, extra: Extra) -> Stated:
    mu, shape = theta["mu"].value, theta["shape"].value

    def log_prob(y: Array) -> Array:
        density = jnp.sqrt(shape / (2 * jnp.pi * y**3))
        return jnp.log(density) - shape * (y - mu) ** 2 / (2 * mu**2 * y)

    rows = jnp.broadcast_shapes(mu.shape, shape.shape)
    return Stated(log_prob, lambda key, size: _simulate(key, theta, extra, size), rows, constraints.positive)


LAW = Law(
    log_density=_log_density,
    score=_score,
    mean=lambda theta, extra: theta["mu"].value,
    variance=lambda theta, extra: theta["mu"].value ** 3 / theta["shape"].value,
    simulate=_simulate,
    numpyro=_numpyro,
    start=lambda y, extra: {"mu": jnp.full_like(y, jnp.mean(y))},
    information={
        "mu": lambda theta, extra: theta["shape"].value / theta["mu"].value,
        "shape": lambda theta, extra: jnp.full_like(theta["shape"].log, 0.5),
    },
    log_cdf=_log_cdf,
    log_sf=_log_sf,
)
