"""Priors as NumPyro distributions, and their log densities on the unconstrained scale."""

from __future__ import annotations

import jax.numpy as jnp
import numpyro.distributions as dist
from jax import Array
from numpyro.distributions import constraints
from numpyro.distributions.transforms import biject_to

from hmlm.types import Distribution

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


def constrain(prior: Distribution, positive: bool, x: Array) -> tuple[Array, Array]:
    """Values of parameters with this prior and their summed log density.

    Args:
        prior: one prior for all entries.
        positive: whether they are bounded below by zero.
        x: (n,) unconstrained coordinates.

    Returns:
        (n,) values and ``sum log p(value) + log |d value / d x|``, up to a constant of truncation.
    """
    support = to_numpyro(prior, positive=positive).support
    transform = biject_to(support)
    value = transform(x)
    jacobian = transform.log_abs_det_jacobian(x, value)
    return value, jnp.sum(_log_prob(prior, value) + jacobian)


def unconstrain(prior: Distribution, positive: bool, value: Array) -> Array:
    """Inverse of :func:`constrain`'s mapping."""
    return biject_to(to_numpyro(prior, positive=positive).support).inv(value)


def _log_prob(prior: Distribution, value: Array) -> Array:
    """Untruncated log density: truncation only adds a constant, and a costly one."""
    if prior.name in ("flat", "uniform"):
        return jnp.zeros_like(value)
    return to_numpyro(prior, positive=False).log_prob(value)
