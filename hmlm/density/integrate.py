"""Integrate effects out of the rows' quadratic form, and draw them back: from moments to kernels."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.moments import Moments
from hmlm.kernels.eliminate import draw_effects, eliminate
from hmlm.kernels.schur import System, draw_all, eliminate_all


def log_integral(moments: Moments, factors: list[Array], levels: list[int]) -> Array:
    """Log of the integral over the effects of ``exp(-u'Fu / 2 + g'u)`` under their normal prior.

    Args:
        moments: F and g.
        factors: per factor that is integrated out, the (Q, Q) Cholesky factor of its effects' covariance.
        levels: per factor its number of levels.
    """
    if moments.rest is None:
        return eliminate(moments.precision, moments.score, factors[0])
    return eliminate_all(_whitened(moments, factors, levels))


def draw(moments: Moments, factors: list[Array], levels: list[int], noise: Array) -> list[Array]:
    """Exact draws of the effects given the data, per factor (Q, J), from (E,) standard normal noise."""
    parts = [part.reshape(len(factor), n) for part, factor, n in _split(noise, factors, levels)]
    if moments.rest is None:
        return [draw_effects(moments.precision, moments.score, factors[0], parts[0])]
    rest_noise = noise[parts[0].size :]
    x, rest_x = draw_all(_whitened(moments, factors, levels), parts[0], rest_noise)
    own = [part.reshape(len(factor), n) for part, factor, n in _split(rest_x, factors[1:], levels[1:])]
    return [factor @ part for factor, part in zip(factors, (x, *own), strict=True)]


def _whitened(moments: Moments, factors: list[Array], levels: list[int]) -> System:
    """``Lambda'F Lambda`` and ``Lambda'g``."""
    first, rest = factors[0], moments.rest
    left = lambda matrix: _left(matrix, factors[1:], levels[1:])  # noqa: E731
    cross = left(rest.cross.reshape(len(rest.score), -1)).reshape(rest.cross.shape)
    return System(
        precision=jnp.einsum("ca,cdj,db->abj", first, moments.precision, first, precision="highest"),
        score=first.T @ moments.score,
        cross=jnp.einsum("scj,ca->saj", cross, first, precision="highest"),
        rest=left(left(rest.precision).T),
        rest_score=left(rest.score[:, None])[:, 0],
    )


def _left(matrix: Array, factors: list[Array], levels: list[int]) -> Array:
    """``Lambda' matrix`` for (S, R), Lambda being (Q, Q) per factor for each of its levels."""
    parts = [
        (factor.T @ part.reshape(len(factor), -1)).reshape(len(part), -1)
        for part, factor, _ in _split(matrix, factors, levels)
    ]
    return jnp.concatenate(parts)


def _split(stacked: Array, factors: list[Array], levels: list[int]) -> list[tuple[Array, Array, int]]:
    """Rows of every factor, with its Cholesky factor and number of levels."""
    stops = np.cumsum([len(factor) * n for factor, n in zip(factors, levels, strict=True)])
    parts = jnp.split(stacked, stops[:-1])
    return list(zip(parts, factors, levels, strict=True))
