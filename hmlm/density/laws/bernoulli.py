"""Zero or one, with probability mu of one."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist

from hmlm.density.laws.law import Extra, Law, Thetas


def _log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
    mu = theta["mu"]
    return jnp.where(y > 0.5, mu.log, mu.log1m)


def by_count(y: Array, at_zero: Array, above: Array | float, below: float = -jnp.inf) -> Array:
    """What holds at a count of zero, above, and below, where no count is."""
    return jnp.where(y < 0.0, below, jnp.where(y < 0.5, at_zero, above))


def _simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    mu = theta["mu"].value
    return (jax.random.uniform(key, shape, mu.dtype) < mu).astype(mu.dtype)


LAW = Law(
    log_density=_log_density,
    score=lambda y, theta, extra: {"mu": y - theta["mu"].value},
    mean=lambda theta, extra: theta["mu"].value,
    variance=lambda theta, extra: theta["mu"].value * (1.0 - theta["mu"].value),
    simulate=_simulate,
    numpyro=lambda theta, extra: dist.BernoulliProbs(theta["mu"].value),
    start=lambda y, extra: {"mu": 0.25 + 0.5 * y},
    information={"mu": lambda theta, extra: theta["mu"].value * (1.0 - theta["mu"].value)},
    log_cdf=lambda y, theta, extra: by_count(y, theta["mu"].log1m, 0.0),
    log_sf=lambda y, theta, extra: by_count(y, theta["mu"].log, -jnp.inf, below=0.0),
    discrete=True,
)
