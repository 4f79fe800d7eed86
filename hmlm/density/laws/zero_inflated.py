"""Counts that are zero with probability zi, and otherwise follow another family of counts.

References:
    Lambert (1992), doi:10.2307/1269547
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist

from hmlm.density.laws import binomial, negbinomial, poisson
from hmlm.density.laws.law import Extra, Law, OfParameters, Thetas


def zero_inflated(base: Law) -> Law:
    """The family ``base`` with the parameter zi."""

    def log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
        counted = theta["zi"].log1m + base.log_density(y, theta, extra)
        return jnp.where(y < 0.5, jnp.logaddexp(theta["zi"].log, counted), counted)

    def score(y: Array, theta: Thetas, extra: Extra) -> Mapping[str, Array]:
        counted = jnp.where(y < 0.5, _counted_zeros(base, theta, extra), 1.0)
        own = {dpar: counted * value for dpar, value in base.score(y, theta, extra).items()}
        return own | {"zi": 1.0 - counted - theta["zi"].value}

    def variance(theta: Thetas, extra: Extra) -> Array:
        zi, mean = theta["zi"].value, base.mean(theta, extra)
        return (1.0 - zi) * (base.variance(theta, extra) + zi * mean * mean)

    def simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
        return with_zeros(key, theta["zi"].value, lambda own: base.simulate(own, theta, extra, shape), shape)

    def log_cdf(y: Array, theta: Thetas, extra: Extra) -> Array:
        counted = theta["zi"].log1m + base.log_cdf(y, theta, extra)
        return jnp.where(y < 0.0, -jnp.inf, jnp.logaddexp(theta["zi"].log, counted))

    def log_sf(y: Array, theta: Thetas, extra: Extra) -> Array:
        return jnp.where(y < 0.0, 0.0, theta["zi"].log1m + base.log_sf(y, theta, extra))

    return Law(
        log_density=log_density,
        score=score,
        mean=lambda theta, extra: (1.0 - theta["zi"].value) * base.mean(theta, extra),
        variance=variance,
        simulate=simulate,
        numpyro=lambda theta, extra: dist.ZeroInflatedDistribution(
            base.numpyro(theta, extra), gate=theta["zi"].value
        ),
        start=lambda y, extra: {**base.start(y, extra), "zi": _first_share(y)},
        information=_information(base),
        log_cdf=log_cdf,
        log_sf=log_sf,
        discrete=True,
    )


def with_zeros(key: Array, share: Array, rest: Callable[[Array], Array], shape: tuple[int, ...]) -> Array:
    """Zero with probability ``share``, else what ``rest`` makes of a key."""
    of_zero, of_rest = jax.random.split(key)
    zero = jax.random.uniform(of_zero, shape, share.dtype) < share
    return jnp.where(zero, 0.0, rest(of_rest))


def _zeros(base: Law, theta: Thetas, extra: Extra) -> tuple[Array, Array]:
    """Log probability that a count is zero, and that an outcome is."""
    zero = jnp.zeros_like(theta["mu"].value)
    log_count = theta["zi"].log1m + base.log_density(zero, theta, extra)
    return log_count, jnp.logaddexp(theta["zi"].log, log_count)


def _counted_zeros(base: Law, theta: Thetas, extra: Extra) -> Array:
    """Probability that an outcome of zero is a count."""
    log_count, log_zero = _zeros(base, theta, extra)
    return jnp.exp(log_count - log_zero)


def _information(base: Law) -> dict[str, OfParameters]:
    """That of the family ``base`` where an outcome is above zero, and what zeros still say."""

    def of_base(dpar: str) -> OfParameters:
        def information(theta: Thetas, extra: Extra) -> Array:
            log_count, log_zero = _zeros(base, theta, extra)
            at_zero = base.score(jnp.zeros_like(theta["mu"].value), theta, extra)[dpar]
            lost = jnp.exp(log_count) * -jnp.expm1(log_count - log_zero) * at_zero**2
            return jnp.exp(theta["zi"].log1m) * base.information[dpar](theta, extra) - lost

        return information

    def of_zi(theta: Thetas, extra: Extra) -> Array:
        log_count, log_zero = _zeros(base, theta, extra)
        zi = theta["zi"].value
        at_zero = -jnp.expm1(log_count - log_zero) - zi
        return jnp.exp(log_zero) * at_zero**2 - jnp.expm1(log_zero) * zi * zi

    return {dpar: of_base(dpar) for dpar in base.information} | {"zi": of_zi}


def _first_share(y: Array) -> Array:
    """Half of the zeros."""
    return 0.05 + 0.45 * jnp.mean(y < 0.5)


POISSON = zero_inflated(poisson.LAW)
NEGBINOMIAL = zero_inflated(negbinomial.LAW)
BINOMIAL = zero_inflated(binomial.LAW)
