"""Successes in a number of trials whose probability is beta distributed with mean mu and precision phi."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist

from hmlm.density.laws.beta import halves
from hmlm.density.laws.binomial import log_choose
from hmlm.density.laws.law import Extra, Law, Thetas
from hmlm.density.laws.rising import digamma_rising, log_rising


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    (a, b), n = halves(theta), extra["trials"]
    rising = log_rising(a, y) + log_rising(b, n - y) - log_rising(theta["phi"].value, n)
    return log_choose(n, y) + rising


def _score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    (a, b), mu, phi = halves(theta), theta["mu"].value, theta["phi"].value
    of_a, of_b = digamma_rising(a, y), digamma_rising(b, extra["trials"] - y)
    return {
        "mu": mu * b * (of_a - of_b),
        "phi": a * of_a + b * of_b - phi * digamma_rising(phi, extra["trials"]),
    }


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    of_probability, of_successes = jax.random.split(key)
    a, b = (jnp.broadcast_to(half, shape) for half in halves(theta))
    probability = jax.random.beta(of_probability, a, b, shape, a.dtype)
    return jax.random.binomial(of_successes, extra["trials"], probability, shape, dtype=a.dtype)


def _variance(theta: Thetas, extra: Extra) -> Array:
    mu, phi, n = theta["mu"].value, theta["phi"].value, extra["trials"]
    return n * mu * (1.0 - mu) * (phi + n) / (phi + 1.0)


def _numpyro(theta: Thetas, extra: Extra) -> dist.Distribution:
    mu, phi = theta["mu"].value, theta["phi"].value
    return dist.BetaBinomial(mu * phi, (1.0 - mu) * phi, extra["trials"].astype(int))


LAW = Law(
    log_density=_log_density,
    score=_score,
    mean=lambda theta, extra: extra["trials"] * theta["mu"].value,
    variance=_variance,
    simulate=_simulate,
    numpyro=_numpyro,
    start=lambda y, extra: {"mu": (y + 0.5) / (extra["trials"] + 1.0)},
    discrete=True,
)
