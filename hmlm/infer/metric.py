"""The metric: dense over population-level coordinates, diagonal over group effects."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.linalg import solve_triangular


class Metric(NamedTuple):
    """Scales in which a density is isotropic, as far as they are known.

    Attributes:
        population: (P, P) lower Cholesky factor of the covariance of the first P coordinates.
        effects: (D - P,) standard deviations of the others.
    """

    population: Array
    effects: Array


def unit_metric(n_population: int, size: int, dtype: jnp.dtype) -> Metric:
    """The metric of coordinates that are isotropic already."""
    return Metric(jnp.eye(n_population, dtype=dtype), jnp.ones(size - n_population, dtype))


def scaled(metric: Metric, offset: Array) -> Array:
    """(D,) displacement that an isotropic (D,) offset stands for."""
    return _by_parts(metric, metric.population, offset)


def pulled_back(metric: Metric, gradient: Array) -> Array:
    """(D,) gradient by the offset, from that by the position."""
    return _by_parts(metric, metric.population.T, gradient)


def _by_parts(metric: Metric, factor: Array, x: Array) -> Array:
    n = len(factor)
    if n == 0:
        return metric.effects * x
    population = jnp.dot(factor, x[:n], precision=lax.Precision.HIGHEST)
    return jnp.concatenate([population, metric.effects * x[n:]])


def unscaled(metric: Metric, displacement: Array) -> Array:
    """(D,) isotropic offset that stands for a (D,) displacement."""
    n = len(metric.population)
    population = solve_triangular(metric.population, displacement[:n], lower=True)
    return jnp.concatenate([population, displacement[n:] / metric.effects])
