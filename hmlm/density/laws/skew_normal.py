"""Skewed outcomes with mean mu, standard deviation sigma and slant alpha.

With ``delta = alpha / sqrt(1 + alpha^2)`` and ``s = sqrt(1 - 2 delta^2 / pi)`` the standard skew normal
variable is ``z = s (y - mu) / sigma + delta sqrt(2 / pi)``.

References:
    Azzalini (1985), Scandinavian Journal of Statistics 12, 171-178
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import log_ndtr
from numpyro.distributions import constraints

from hmlm.density.laws import gaussian
from hmlm.density.laws.gaussian import HALF_LOG_2PI
from hmlm.density.laws.law import Extra, Law, Thetas
from hmlm.density.laws.stated import Stated

MEAN_OF_HALF = math.sqrt(2 / math.pi)  # of a half normal variable
LARGEST_SKEWNESS = 0.9
LEAST_SLANT = 0.5  # to start from: at zero all derivatives by alpha vanish


class _Standard(NamedTuple):
    """Standardised residual r, slant's delta, shrinkage s of the scale and the skew normal variable z."""

    r: Array
    delta: Array
    s: Array
    z: Array


def _standard(y: Array, theta: Thetas) -> _Standard:
    alpha, r = theta["alpha"].value, gaussian.scaled(y, theta)
    delta = alpha / jnp.sqrt(1.0 + alpha * alpha)
    s = jnp.sqrt(1.0 - (MEAN_OF_HALF * delta) ** 2)
    return _Standard(r, delta, s, r * s + MEAN_OF_HALF * delta)


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    _, _, s, z = _standard(y, theta)
    log_slanted = log_ndtr(theta["alpha"].value * z) + math.log(2.0)
    return log_slanted + jnp.log(s) - theta["sigma"].log - 0.5 * z * z - HALF_LOG_2PI


def _score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    (r, delta, s, z), alpha = _standard(y, theta), theta["alpha"].value
    slope = jnp.exp(-0.5 * (alpha * z) ** 2 - HALF_LOG_2PI - log_ndtr(alpha * z))
    by_z = alpha * slope - z
    of_delta = (1.0 + alpha * alpha) ** -1.5
    of_s = -(MEAN_OF_HALF**2) * delta * of_delta / s
    return {
        "mu": -by_z * s * jnp.exp(-theta["sigma"].log),
        "sigma": -1.0 - by_z * r * s,
        "alpha": of_s / s + by_z * (r * of_s + MEAN_OF_HALF * of_delta) + z * slope,
    }


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    mu, alpha = theta["mu"].value, theta["alpha"].value
    of_half, of_rest = jax.random.split(key)
    half = jnp.abs(jax.random.normal(of_half, shape, mu.dtype))
    rest = jax.random.normal(of_rest, shape, mu.dtype)
    _, delta, s, _ = _standard(mu, theta)
    z = delta * (half - MEAN_OF_HALF) + rest / jnp.sqrt(1.0 + alpha * alpha)
    return mu + theta["sigma"].value * z / s


def _start(y: Array, extra: Extra) -> dict[str, Array]:
    """By moments."""
    whole = gaussian.start(y, extra)
    skewness = jnp.mean(((y - whole["mu"]) / whole["sigma"]) ** 3)
    size = jnp.minimum(jnp.abs(skewness), LARGEST_SKEWNESS) ** (2 / 3)
    square = 0.5 * math.pi * size / (size + (2.0 - 0.5 * math.pi) ** (2 / 3))
    alpha = jnp.maximum(jnp.sqrt(square / (1.0 - square)), LEAST_SLANT)
    return whole | {"alpha": jnp.where(skewness < 0.0, -alpha, alpha)}


def _numpyro(theta: Thetas, extra: Extra) -> Stated:
    """By location and scale, ``2 phi(z) Phi(alpha z) / omega``."""
    mu, sigma, alpha = (theta[name].value for name in ("mu", "sigma", "alpha"))
    delta = alpha / jnp.sqrt(1.0 + alpha**2)
    omega = sigma / jnp.sqrt(1.0 - 2.0 * delta**2 / jnp.pi)
    location = mu - omega * delta * jnp.sqrt(2.0 / jnp.pi)

    def log_prob(y: Array) -> Array:
        z = (y - location) / omega
        normal = jax.scipy.stats.norm
        return jnp.log(2.0) + normal.logpdf(z) + normal.logcdf(alpha * z) - jnp.log(omega)

    rows = jnp.broadcast_shapes(mu.shape, sigma.shape, alpha.shape)
    return Stated(log_prob, lambda key, size: _simulate(key, theta, extra, size), rows, constraints.real)


LAW = Law(
    log_density=_log_density,
    score=_score,
    mean=lambda theta, extra: theta["mu"].value,
    variance=lambda theta, extra: theta["sigma"].value ** 2,
    simulate=_simulate,
    numpyro=_numpyro,
    start=_start,
)
