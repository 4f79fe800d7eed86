"""Links: from linear predictors to distributional parameters, in forms that do not lose small probabilities.

Every parameter has, besides its value, an unbounded coordinate xi that its support gives it: itself on the
real line, its logarithm above zero, its logit between zero and one, ``log(value - 1)`` above one. Laws
state their derivatives by xi; the link's ``slope`` is ``d xi / d eta``, one for the natural link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import log_ndtr, ndtr

from hmlm.spec.support import Support


class Theta(NamedTuple):
    """A distributional parameter: its value, its logarithm, and for probabilities ``log(1 - value)``."""

    value: Array
    log: Array
    log1m: Array


def log_value_by_xi(theta: Theta, support: Support) -> Array:
    """Logarithm of ``d value / d xi``."""
    match support:
        case Support.POSITIVE:
            return theta.log
        case Support.UNIT:
            return theta.log + theta.log1m
        case Support.ABOVE_ONE:
            return jnp.log(theta.value - 1.0)
    return jnp.zeros_like(theta.value)


@dataclass(frozen=True)
class Link:
    """A link by its inverse.

    Attributes:
        inverse: eta to the parameter.
        derivative: of the inverse.
        log: logarithm of the inverse where that has a better form than ``log(inverse(eta))``.
        log1m: the same of ``log(1 - inverse(eta))``.
        natural: the support whose coordinate xi is eta itself.
        defined: an eta where the inverse has a value for every support, put into rows of padding.
    """

    inverse: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    log: Callable[[Array], Array] | None = None
    log1m: Callable[[Array], Array] | None = None
    natural: Support | None = None
    defined: float = 0.0

    def theta(self, eta: Array) -> Theta:
        """The parameter at eta; entries that no law reads cost nothing in a compiled program."""
        value = self.inverse(eta)
        log = jnp.log(value) if self.log is None else self.log(eta)
        return Theta(value, log, jnp.log1p(-value) if self.log1m is None else self.log1m(eta))

    def slope(self, eta: Array, support: Support) -> Array:
        """``d xi / d eta``."""
        if self.natural is support:
            return jnp.ones_like(eta)
        return self.derivative(eta) * jnp.exp(-log_value_by_xi(self.theta(eta), support))


def _normal_density(eta: Array) -> Array:
    return jnp.exp(-0.5 * eta * eta) / jnp.sqrt(2 * jnp.pi)


def _logistic(eta: Array) -> tuple[Array, Array, Array]:
    """Probability and both logarithms from one exp and one log, where ``log_sigmoid`` takes three."""
    above = eta > 0  # and no abs or minimum, whose derivatives at zero are not those of the whole
    small = jnp.exp(jnp.where(above, -eta, eta))
    whole = 1.0 + small
    log_whole = jnp.log(whole)
    probability = jnp.where(above, 1.0, small) / whole
    return probability, jnp.where(above, 0.0, eta) - log_whole, jnp.where(above, -eta, 0.0) - log_whole


LINKS: Mapping[str, Link] = {
    "identity": Link(lambda eta: eta, jnp.ones_like, natural=Support.REAL, defined=0.5),
    "log": Link(
        jnp.exp,
        jnp.exp,
        lambda eta: eta,
        lambda eta: jnp.log(-jnp.expm1(eta)),
        natural=Support.POSITIVE,
        defined=-0.5,
    ),
    "logit": Link(
        lambda eta: _logistic(eta)[0],
        lambda eta: jnp.exp(_logistic(eta)[1] + _logistic(eta)[2]),
        lambda eta: _logistic(eta)[1],
        lambda eta: _logistic(eta)[2],
        natural=Support.UNIT,
    ),
    "logm1": Link(lambda eta: 1.0 + jnp.exp(eta), jnp.exp, natural=Support.ABOVE_ONE),
    "probit": Link(ndtr, _normal_density, log_ndtr, lambda eta: log_ndtr(-eta)),
    "cloglog": Link(
        lambda eta: -jnp.expm1(-jnp.exp(eta)),
        lambda eta: jnp.exp(eta - jnp.exp(eta)),
        lambda eta: jnp.log(-jnp.expm1(-jnp.exp(eta))),
        lambda eta: -jnp.exp(eta),
    ),
    "cauchit": Link(
        lambda eta: 0.5 + jnp.arctan(eta) / jnp.pi,
        lambda eta: 1.0 / (jnp.pi * (1.0 + eta * eta)),
    ),
    "inverse": Link(lambda eta: 1.0 / eta, lambda eta: -1.0 / (eta * eta), defined=1.0),
    "sqrt": Link(jnp.square, lambda eta: 2.0 * eta, defined=1.0),
    "1/mu^2": Link(jax.lax.rsqrt, lambda eta: -0.5 * eta**-1.5, lambda eta: -0.5 * jnp.log(eta), defined=1.0),
}


def eta_of(link: str, value: Array) -> Array:
    """The linear predictor at a parameter's value."""
    return _FORWARD[link](value)


_FORWARD: Mapping[str, Callable[[Array], Array]] = {
    "identity": lambda value: value,
    "log": jnp.log,
    "logit": lambda value: jnp.log(value) - jnp.log1p(-value),
    "logm1": lambda value: jnp.log(value - 1.0),
    "probit": jax.scipy.special.ndtri,
    "cloglog": lambda value: jnp.log(-jnp.log1p(-value)),
    "cauchit": lambda value: jnp.tan(jnp.pi * (value - 0.5)),
    "inverse": lambda value: 1.0 / value,
    "sqrt": jnp.sqrt,
    "1/mu^2": lambda value: value**-2.0,
}


def coordinate(value: Array, support: Support) -> Array:
    """The unbounded coordinate xi of a parameter's value."""
    return eta_of(support.link, value)
