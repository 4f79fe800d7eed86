"""Priors as NumPyro distributions, and their log densities on the unconstrained scale."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist  # not `import numpyro.distributions`: see test_lazy_numpyro
from numpyro.distributions import constraints
from numpyro.distributions.transforms import biject_to

from hmlm.types import Distribution

Transform = "NumpyroTransform | ScaledSoftplus"

_REAL_LINE = {
    "normal": dist.Normal,
    "student_t": dist.StudentT,
    "cauchy": dist.Cauchy,
}
_POSITIVE = {
    "exponential": dist.Exponential,
    "gamma": dist.Gamma,
    "lognormal": dist.LogNormal,
}


def to_numpyro(prior: Distribution, *, positive: bool) -> dist.Distribution:
    """The prior as NumPyro states it; ``positive`` truncates it at zero (half distributions)."""
    if prior.name == "flat":
        support = constraints.positive if positive else constraints.real
        return dist.ImproperUniform(support, (), ())
    if prior.name == "uniform":
        lower, upper = prior.args
        return dist.Uniform(max(lower, 0.0) if positive else lower, upper)
    if prior.name in _POSITIVE:
        return _POSITIVE[prior.name](*prior.args)
    base = _REAL_LINE[prior.name](*prior.args)
    return dist.TruncatedDistribution(base, low=0.0) if positive else base


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


def real_line_map(prior: Distribution, *, positive: bool, scale: Array | None = None) -> Transform:
    """The map from the real line to the support of a prior.

    Args:
        prior: whose support it is.
        positive: whether zero is a lower bound.
        scale: where given, a positive support is reached by :class:`ScaledSoftplus` instead of exp.
    """
    if scale is not None and positive and prior.name != "uniform":
        return ScaledSoftplus(scale)
    return biject_to(to_numpyro(prior, positive=positive).support)


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
    return to_numpyro(prior, positive=False).log_prob(value)
