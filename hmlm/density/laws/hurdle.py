"""Outcomes that are zero with probability hu, and otherwise follow another family above zero.

References:
    Mullahy (1986), doi:10.1016/0304-4076(86)90002-3
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import constraints

from hmlm.density.laws import gamma, poisson
from hmlm.density.laws.law import Extra, Law, OfParameters, Thetas
from hmlm.density.laws.stated import Stated
from hmlm.density.laws.zero_inflated import with_zeros

Simulate = Callable[[Array, Thetas, Extra, tuple[int, ...]], Array]


def hurdle(base: Law, above: Simulate) -> Law:
    """The family ``base`` given that it is above zero, with the parameter hu.

    Args:
        base: a family of counts, or of positive outcomes.
        above: simulates outcomes of ``base`` above zero.
    """

    def log_density(y: Array, theta: Thetas, extra: Extra) -> Array:
        passed = base.log_density(_positive(y), theta, extra) - _log_above(base, theta, extra)
        return jnp.where(y > 0.0, theta["hu"].log1m + passed, theta["hu"].log)

    def score(y: Array, theta: Thetas, extra: Extra) -> Mapping[str, Array]:
        passed, shift = base.score(_positive(y), theta, extra), _shift(base, theta, extra)
        own = {dpar: jnp.where(y > 0.0, value + shift[dpar], 0.0) for dpar, value in passed.items()}
        return own | {"hu": jnp.where(y > 0.0, 0.0, 1.0) - theta["hu"].value}

    def mean(theta: Thetas, extra: Extra) -> Array:
        return _share(base, theta, extra) * base.mean(theta, extra)

    def variance(theta: Thetas, extra: Extra) -> Array:
        square = base.variance(theta, extra) + base.mean(theta, extra) ** 2
        return _share(base, theta, extra) * square - mean(theta, extra) ** 2

    def simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
        return with_zeros(key, theta["hu"].value, lambda own: above(own, theta, extra, shape), shape)

    def log_sf(y: Array, theta: Thetas, extra: Extra) -> Array:
        share = base.log_sf(_positive(y), theta, extra) - _log_above(base, theta, extra)
        return jnp.where(y < 0.0, 0.0, theta["hu"].log1m + jnp.where(y > 0.0, share, 0.0))

    def log_cdf(y: Array, theta: Thetas, extra: Extra) -> Array:
        inside = jnp.log(-jnp.expm1(log_sf(_positive(y), theta, extra)))
        return jnp.where(y > 0.0, inside, jnp.where(y < 0.0, -jnp.inf, theta["hu"].log))

    return Law(
        log_density=log_density,
        score=score,
        mean=mean,
        variance=variance,
        simulate=simulate,
        numpyro=partial(_stated, base, simulate),
        start=lambda y, extra: {**_start(base, y, extra), "hu": _first_share(y)},
        information=_information(base),
        log_cdf=log_cdf,
        log_sf=log_sf,
        discrete=base.discrete,
    )


def _stated(base: Law, simulate: Simulate, theta: Thetas, extra: Extra) -> Stated:
    """The family by NumPyro's distribution of ``base``."""
    own, hu = base.numpyro(theta, extra), theta["hu"].value
    below = jnp.exp(own.log_prob(jnp.zeros(own.batch_shape))) if base.discrete else 0.0

    def log_prob(y: Array) -> Array:
        passed = jnp.log(1.0 - hu) + own.log_prob(_positive(y)) - jnp.log(1.0 - below)
        return jnp.where(y > 0.0, passed, jnp.log(hu))

    rows = jnp.broadcast_shapes(own.batch_shape, hu.shape)
    sample = lambda key, size: simulate(key, theta, extra, size)  # noqa: E731
    return Stated(log_prob, sample, rows, constraints.nonnegative)


def _share(base: Law, theta: Thetas, extra: Extra) -> Array:
    """Probability of an outcome above zero over that of the family ``base``."""
    return jnp.exp(theta["hu"].log1m - _log_above(base, theta, extra))


def _positive(y: Array) -> Array:
    """The outcome, and 1 where it is zero and nothing is read."""
    return jnp.where(y > 0.0, y, 1.0)


def _log_zero(base: Law, theta: Thetas, extra: Extra) -> Array:
    """Log probability that the family ``base`` gives zero."""
    zero = jnp.zeros_like(theta["mu"].value)
    return base.log_density(zero, theta, extra) if base.discrete else zero - jnp.inf


def _log_above(base: Law, theta: Thetas, extra: Extra) -> Array:
    """Log probability that it does not; 0 of a continuous family."""
    if not base.discrete:
        return jnp.zeros_like(theta["mu"].value)
    return jnp.log(-jnp.expm1(_log_zero(base, theta, extra)))


def _shift(base: Law, theta: Thetas, extra: Extra) -> Mapping[str, Array]:
    """Derivatives of ``-log P(above zero)``."""
    zero = jnp.zeros_like(theta["mu"].value)
    if not base.discrete:
        return dict.fromkeys(theta, zero)
    odds = 1.0 / jnp.expm1(-_log_zero(base, theta, extra))
    return {dpar: odds * value for dpar, value in base.score(zero, theta, extra).items()}


def _information(base: Law) -> dict[str, OfParameters]:
    """Variances of the score of outcomes above zero, by how often there are any."""

    def of_base(dpar: str) -> OfParameters:
        def information(theta: Thetas, extra: Extra) -> Array:
            whole, shift = base.information[dpar](theta, extra), _shift(base, theta, extra)[dpar]
            log_zero = _log_zero(base, theta, extra)
            above = -jnp.expm1(log_zero)
            at_zero = jnp.exp(-log_zero) * (above * shift) ** 2 if base.discrete else 0.0
            return jnp.exp(theta["hu"].log1m) * ((whole - at_zero) / above - shift**2)

        return information

    of_hu = lambda theta, extra: theta["hu"].value * jnp.exp(theta["hu"].log1m)
    return {dpar: of_base(dpar) for dpar in base.information} | {"hu": of_hu}


def _start(base: Law, y: Array, extra: Extra) -> Mapping[str, Array]:
    """As of the outcomes above zero, their mean in the place of the others."""
    mean = jnp.sum(y) / jnp.maximum(jnp.sum(y > 0.0), 1.0)
    return base.start(jnp.where(y > 0.0, y, jnp.maximum(mean, 1e-3)), extra)


def _first_share(y: Array) -> Array:
    return 0.02 + 0.96 * jnp.mean(y <= 0.0)


def _poisson_above(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
    """One more than the events after the first, which comes before time 1 for certain."""
    of_first, of_rest = jax.random.split(key)
    mu = theta["mu"].value
    reached = jax.random.uniform(of_first, shape, mu.dtype)
    passed = -jnp.log1p(reached * jnp.expm1(-mu))
    rest = jax.random.poisson(of_rest, jnp.maximum(mu - passed, 0.0), shape)
    return 1.0 + rest.astype(mu.dtype)


POISSON = hurdle(poisson.LAW, _poisson_above)
GAMMA = hurdle(gamma.LAW, gamma.LAW.simulate)
