"""Priors as NumPyro distributions, and their log densities on the unconstrained scale."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist  # not `import numpyro.distributions`: see test_lazy_numpyro
from numpyro.distributions import constraints
from numpyro.distributions.transforms import biject_to

from hmlm.spec.support import Support
from hmlm.types import Distribution

Transform = "NumpyroTransform | ScaledSoftplus"

_REAL_LINE = {
    "normal": dist.Normal,
    "student_t": dist.StudentT,
    "cauchy": dist.Cauchy,
    "logistic": dist.Logistic,
}
_BOUNDED = {
    "exponential": dist.Exponential,
    "gamma": dist.Gamma,
    "lognormal": dist.LogNormal,
    "inv_gamma": dist.InverseGamma,
    "beta": dist.Beta,
}


_CONSTRAINTS = {
    Support.REAL: constraints.real,
    Support.POSITIVE: constraints.positive,
    Support.UNIT: constraints.unit_interval,
    Support.ABOVE_ONE: constraints.greater_than(1.0),
    Support.CORRELATION: constraints.interval(-1.0, 1.0),
}
_BOUNDS = {
    Support.REAL: {},
    Support.POSITIVE: {"low": 0.0},
    Support.UNIT: {"low": 0.0, "high": 1.0},
    Support.ABOVE_ONE: {"low": 1.0},
    Support.CORRELATION: {"low": -1.0, "high": 1.0},
}


def to_numpyro(prior: Distribution, support: Support) -> dist.Distribution:
    """The prior as NumPyro states it, truncated to the support (half distributions)."""
    bounds = _BOUNDS[support]
    if prior.name == "flat":
        return dist.ImproperUniform(_CONSTRAINTS[support], (), ())
    if prior.name == "uniform":
        lower, upper = prior.args
        return dist.Uniform(max(lower, bounds.get("low", lower)), min(upper, bounds.get("high", upper)))
    if prior.name in _BOUNDED:
        base = _BOUNDED[prior.name](*prior.args)
        return Above(base, 1.0) if support is Support.ABOVE_ONE else base
    base = _REAL_LINE[prior.name](*prior.args)
    return dist.TruncatedDistribution(base, **bounds) if bounds else base


class Above(dist.Distribution):
    """A positive distribution truncated below; its density lacks the constant of truncation.

    Args:
        base: a scalar distribution of positive values.
        low: the bound.
    """

    def __init__(self, base: dist.Distribution, low: float) -> None:
        self.base, self.low = base, low
        super().__init__(())

    @property
    def support(self) -> constraints.Constraint:
        """Values above the bound."""
        return constraints.greater_than(self.low)

    def log_prob(self, value: Array) -> Array:
        """Of the base, up to a constant."""
        return self.base.log_prob(value)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        """Draws of the base, those below the bound drawn again."""

        def again(state: tuple[Array, Array]) -> tuple[Array, Array]:
            key, value = state
            key, own = jax.random.split(key)
            return key, jnp.where(value > self.low, value, self.base.sample(own, sample_shape))

        start = (key, jnp.full(sample_shape, self.low))
        return jax.lax.while_loop(lambda state: jnp.any(state[1] <= self.low), again, start)[1]


def constrain(prior: Distribution, transform: Transform, x: Array) -> tuple[Array, Array]:
    """Values of parameters with this prior and their log density.

    Args:
        prior: one prior for all entries.
        transform: from the real line to the prior's support, of :func:`real_line_map`.
        x: (n,) unconstrained coordinates.

    Returns:
        (n,) values and (n,) ``log p(value) + log |d value / d x|``, up to a constant of truncation.
    """
    value = transform(x)
    jacobian = transform.log_abs_det_jacobian(x, value)
    return value, _log_prob(prior, value) + jacobian


def real_line_map(prior: Distribution, *, support: Support, scale: Array | None = None) -> Transform:
    """The map from the real line to the support of a prior.

    Args:
        prior: whose support it is.
        support: of the parameter.
        scale: where given, a positive support is reached by :class:`ScaledSoftplus` instead of exp.
    """
    if scale is not None and support is Support.POSITIVE and prior.name != "uniform":
        return ScaledSoftplus(scale)
    return biject_to(to_numpyro(prior, support).support)


class ScaledSoftplus(NamedTuple):
    """``tau = s softplus(x / s)``: linear above s, exponential below.

    On the log scale a small standard deviation has a long flat left tail; here it has none where s is
    about the standard error of tau.
    """

    scale: Array

    def __call__(self, x: Array) -> Array:
        """tau at x."""
        return self.scale * jax.nn.softplus(x / self.scale)

    def inv(self, value: Array) -> Array:
        """x at tau."""
        ratio = value / self.scale
        return self.scale * (ratio + jnp.log(-jnp.expm1(-ratio)))

    def log_abs_det_jacobian(self, x: Array, value: Array) -> Array:
        """``log d tau / d x``."""
        return jax.nn.log_sigmoid(x / self.scale)


def _log_prob(prior: Distribution, value: Array) -> Array:
    """Untruncated log density: truncation only adds a constant, and a costly one."""
    if prior.name in ("flat", "uniform"):
        return jnp.zeros_like(value)
    return to_numpyro(prior, Support.REAL).log_prob(value)
