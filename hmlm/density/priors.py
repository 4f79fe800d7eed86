"""Priors as NumPyro distributions, and their log densities on the unconstrained scale."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist  # not `import numpyro.distributions`: see test_lazy_numpyro
from numpyro.distributions.transforms import biject_to

from hmlm.density.truncated import Truncated, between
from hmlm.spec.distribution import interval_of, values_of
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


def to_numpyro(prior: Distribution, support: Support) -> dist.Distribution:
    """The prior as NumPyro states it, truncated to the support (half distributions) and to its bounds."""
    low, high = interval_of(prior, support)
    if prior.name in ("flat", "uniform"):
        finite = math.isfinite(low) and math.isfinite(high)
        return dist.Uniform(low, high) if finite else dist.ImproperUniform(between(low, high), (), ())
    if (low, high) == values_of(prior):
        return _whole(prior)
    return Truncated(_whole(prior), low, high, center=_center(prior))


def _whole(prior: Distribution) -> dist.Distribution:
    """Without bounds."""
    return (_REAL_LINE | _BOUNDED)[prior.name](*prior.args)


def _center(prior: Distribution) -> float | None:
    """Where a distribution on the real line is symmetric: all have a location and a scale last."""
    return prior.args[-2] if prior.name in _REAL_LINE else None


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
    return value, log_prob(prior, value) + jacobian


def real_line_map(prior: Distribution, *, support: Support, scale: Array | None = None) -> Transform:
    """The map from the real line to the support of a prior.

    Args:
        prior: whose support it is.
        support: of the parameter.
        scale: where given, all positive values are reached by :class:`ScaledSoftplus` instead of exp.
    """
    interval = interval_of(prior, support)
    if scale is not None and interval == Support.POSITIVE.interval:
        return ScaledSoftplus(scale)
    return biject_to(between(*interval))


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


def log_prob(prior: Distribution, value: Array) -> Array:
    """Untruncated log density: truncation only adds a constant, and a costly one."""
    if prior.name in ("flat", "uniform"):
        return jnp.zeros_like(value)
    return _whole(prior).log_prob(value)
