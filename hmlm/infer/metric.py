"""The metric: dense over population-level coordinates, diagonal over group effects; or as asked for.

``"diagonal"`` is so everywhere; ``"low-rank"`` adds to the default a few directions across all coordinates,
in which the rest of it leaves the density stretched or squeezed.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.linalg import solve_triangular

DENSE, DIAGONAL, LOW_RANK = "dense", "diagonal", "low-rank"
METRICS = (DENSE, DIAGONAL, LOW_RANK)
RANK = 8  # directions, at most


class Metric(NamedTuple):
    """Scales in which a density is isotropic, as far as they are known.

    Attributes:
        population: (P, P) lower Cholesky factor of the covariance of the first P coordinates.
        effects: (D - P,) standard deviations of the others.
        directions: (K, D) orthonormal ones, in coordinates that these two make; None where there are none.
        stretches: (K,) standard deviations along them.
    """

    population: Array
    effects: Array
    directions: Array | None = None
    stretches: Array | None = None


def first_metric(kind: str, n_population: int, size: int, dtype: jnp.dtype) -> Metric:
    """The metric of ``size`` isotropic coordinates, to be learnt as one of :data:`METRICS`."""
    dense = 0 if kind == DIAGONAL else n_population
    metric = Metric(jnp.eye(dense, dtype=dtype), jnp.ones(size - dense, dtype))
    if kind != LOW_RANK:
        return metric
    rank = min(RANK, size)
    return metric._replace(directions=jnp.eye(rank, size, dtype=dtype), stretches=jnp.ones(rank, dtype))


def scaled(metric: Metric, offset: Array) -> Array:
    """(D,) displacement that an isotropic (D,) offset stands for."""
    return _by_parts(metric, metric.population, _along(metric, metric.stretches, offset))


def pulled_back(metric: Metric, gradient: Array) -> Array:
    """(D,) gradient by the offset, from that by the position."""
    return _along(metric, metric.stretches, _by_parts(metric, metric.population.T, gradient))


def unscaled(metric: Metric, displacement: Array) -> Array:
    """(D,) isotropic offset that stands for a (D,) displacement."""
    n = len(metric.population)
    population = solve_triangular(metric.population, displacement[:n], lower=True)
    offset = jnp.concatenate([population, displacement[n:] / metric.effects])
    return _along(metric, None if metric.stretches is None else 1 / metric.stretches, offset)


def _along(metric: Metric, stretches: Array | None, x: Array) -> Array:
    """``x`` stretched along the directions."""
    if stretches is None:
        return x
    components = jnp.dot(metric.directions, x, precision=lax.Precision.HIGHEST)
    return x + jnp.dot((stretches - 1) * components, metric.directions, precision=lax.Precision.HIGHEST)


def _by_parts(metric: Metric, factor: Array, x: Array) -> Array:
    n = len(factor)
    if n == 0:
        return metric.effects * x
    population = jnp.dot(factor, x[:n], precision=lax.Precision.HIGHEST)
    return jnp.concatenate([population, metric.effects * x[n:]])
