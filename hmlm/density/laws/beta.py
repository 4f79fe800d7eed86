"""Proportions with mean mu and variance ``mu (1 - mu) / (1 + phi)``."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma, gammaln, polygamma
from numpyro import distributions as dist

from hmlm.density.laws.incomplete_beta import log_betainc
from hmlm.density.laws.law import Extra, Law, Thetas


def halves(theta: Thetas) -> tuple[Array, Array]:
    """``mu phi`` and ``(1 - mu) phi``, both without cancellation."""
    mu, phi = theta["mu"], theta["phi"].value
    return mu.value * phi, jnp.exp(mu.log1m) * phi


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    a, b = halves(theta)
    constant = gammaln(theta["phi"].value) - gammaln(a) - gammaln(b)
    return constant + (a - 1.0) * jnp.log(y) + (b - 1.0) * jnp.log1p(-y)


def _score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    (a, b), mu, phi = halves(theta), theta["mu"].value, theta["phi"].value
    of_a, of_b = jnp.log(y) - digamma(a), jnp.log1p(-y) - digamma(b)
    return {
        "mu": mu * b * (of_a - of_b),
        "phi": phi * digamma(phi) + a * of_a + b * of_b,
    }


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    a, b = (jnp.broadcast_to(half, shape) for half in halves(theta))
    return jax.random.beta(key, a, b, shape, a.dtype)


def _variance(theta: Thetas, extra: Extra) -> Array:
    mu = theta["mu"].value
    return mu * (1.0 - mu) / (1.0 + theta["phi"].value)


def _information_on_mu(theta: Thetas, extra: Extra) -> Array:
    (a, b), mu = halves(theta), theta["mu"].value
    return (mu * b) ** 2 * (polygamma(1, a) + polygamma(1, b))


def _information_on_phi(theta: Thetas, extra: Extra) -> Array:
    (a, b), phi = halves(theta), theta["phi"].value
    return a * a * polygamma(1, a) + b * b * polygamma(1, b) - phi * phi * polygamma(1, phi)


LAW = Law(
    log_density=_log_density,
    score=_score,
    mean=lambda theta, extra: theta["mu"].value,
    variance=_variance,
    simulate=_simulate,
    numpyro=lambda theta, extra: dist.BetaProportion(theta["mu"].value, theta["phi"].value),
    start=lambda y, extra: {"mu": y},
    information={"mu": _information_on_mu, "phi": _information_on_phi},
    log_cdf=lambda y, theta, extra: log_betainc(*halves(theta), jnp.clip(y, 0.0, 1.0)),
    log_sf=lambda y, theta, extra: log_betainc(*halves(theta)[::-1], jnp.clip(1.0 - y, 0.0, 1.0)),
)
