"""Expected outcomes between the bounds of ``trunc(lb, ub)``, of families where they have a closed form.

With f the density of the law and g the one of its size-biased version, ``y f(y) = mean g(y)``,

    E[y | a <= y <= b] = mean P_g(a <= y <= b) / P_f(a <= y <= b)

and g is of the same family: log-normal with mu + sigma^2, gamma with shape + 1, counts with their bounds one
lower.

References:
    Patil & Rao (1978), doi:10.2307/2530008
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.family_rows import Mapped, as_stated, log_inside
from hmlm.density.laws.law import Extra, Law, Thetas
from hmlm.density.laws.registry import LAWS, law_of
from hmlm.density.links import Theta
from hmlm.results.prediction.truncated import LOWER, UPPER

Etas = dict[str, Array]
Mean = Callable[[Law, Thetas, Extra], Array]


@partial(jax.jit, static_argnums=0)
def truncated_mean(own: Mapped, eta: Etas, extra: Extra) -> Array:
    """(R, S) expected outcomes within the bounds, of a family that :data:`MEANS` has."""
    law, thetas = law_of(own.family), own.thetas(as_stated(own, eta, extra))
    shape = jnp.broadcast_shapes(*(value.shape for value in eta.values()))
    return jnp.broadcast_to(MEANS[own.family.name](law, thetas, extra), shape)


def _gaussian(law: Law, thetas: Thetas, extra: Extra) -> Array:
    """``mu + sigma^2 (f(a) - f(b)) / P``."""
    inside = log_inside(law, thetas, extra)
    ends = [(sign, extra[name]) for sign, name in ((1.0, LOWER), (-1.0, UPPER)) if name in extra]
    slopes = [sign * jnp.exp(law.log_density(end, thetas, extra) - inside) for sign, end in ends]
    return thetas["mu"].value + thetas["sigma"].value ** 2 * sum(slopes)


def _ratio(law: Law, thetas: Thetas, extra: Extra, biased: tuple[Law, Thetas, Extra]) -> Array:
    return law.mean(thetas, extra) * jnp.exp(log_inside(*biased) - log_inside(law, thetas, extra))


def _lognormal(law: Law, thetas: Thetas, extra: Extra) -> Array:
    mu = _theta(thetas["mu"].value + thetas["sigma"].value ** 2)
    return _ratio(law, thetas, extra, (law, {**thetas, "mu": mu}, extra))


def _gamma(law: Law, thetas: Thetas, extra: Extra) -> Array:
    shape = thetas["shape"].value
    grown = {"mu": _theta(thetas["mu"].value * (shape + 1.0) / shape), "shape": _theta(shape + 1.0)}
    return _ratio(law, thetas, extra, (law, grown, extra))


def _exponential(law: Law, thetas: Thetas, extra: Extra) -> Array:
    mu = thetas["mu"].value
    biased = {"mu": _theta(2.0 * mu), "shape": _theta(jnp.full_like(mu, 2.0))}
    return _ratio(law, thetas, extra, (LAWS["gamma"], biased, extra))


def _poisson(law: Law, thetas: Thetas, extra: Extra) -> Array:
    return _ratio(law, thetas, extra, (law, thetas, _one_lower(extra)))


def _binomial(law: Law, thetas: Thetas, extra: Extra) -> Array:
    fewer = {**_one_lower(extra), "trials": extra["trials"] - 1.0}
    return _ratio(law, thetas, extra, (law, thetas, fewer))


def _negbinomial(law: Law, thetas: Thetas, extra: Extra) -> Array:
    return _overdispersed(law, thetas, extra, thetas["shape"].value)


def _geometric(law: Law, thetas: Thetas, extra: Extra) -> Array:
    one = jnp.ones_like(thetas["mu"].value)
    return _overdispersed(law, thetas, extra, one * extra.get("rate", 1.0))


def _overdispersed(law: Law, thetas: Thetas, extra: Extra, shape: Array) -> Array:
    mu = thetas["mu"].value
    biased = {"mu": _theta(mu * (shape + 1.0) / shape), "shape": _theta(shape + 1.0)}
    return _ratio(law, thetas, extra, (LAWS["negbinomial"], biased, _one_lower(extra)))


def _one_lower(extra: Extra) -> dict[str, Array]:
    """The bounds of a count less one."""
    moved = {name: extra[name] - 1.0 for name in (LOWER, UPPER) if name in extra}
    if LOWER in moved:
        moved[LOWER] = jnp.maximum(moved[LOWER], 0.0)
    return {**extra, **moved}


def _theta(value: Array) -> Theta:
    return Theta(value, jnp.log(value), jnp.log1p(-value))


MEANS: Mapping[str, Mean] = {
    "gaussian": _gaussian,
    "lognormal": _lognormal,
    "gamma": _gamma,
    "exponential": _exponential,
    "poisson": _poisson,
    "binomial": _binomial,
    "negbinomial": _negbinomial,
    "geometric": _geometric,
}
