"""Integrate effects out of the rows' quadratic form, and draw them back: from moments to kernels."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.moments import Moments
from hmlm.kernels.eliminate import draw_effects, eliminate
from hmlm.kernels.fusing import product
from hmlm.kernels.nested import draw_nested, eliminate_nested, eliminate_nested_by_level
from hmlm.kernels.schur import System, draw_all, eliminate_all
from hmlm.kernels.segments import Segments
from hmlm.kernels.small import congruence


class Prior(NamedTuple):
    """Of the effects that are integrated out, factor by factor.

    Attributes:
        factors: (Q, Q) Cholesky factors of their covariance.
        levels: numbers of levels.
        parents: of nested factors, see :func:`hmlm.kernels.nested.eliminate_nested`; empty otherwise.
    """

    factors: list[Array]
    levels: list[int]
    parents: tuple[Segments, ...]


def log_integral(moments: Moments, prior: Prior) -> Array:
    """Log of the integral over the effects of ``exp(-u'Fu / 2 + g'u)`` under their normal prior.

    By level, (J,), for one factor; else a scalar.
    """
    if prior.parents:
        return eliminate_nested(_sizes(prior), *_whitened(moments, prior), prior.parents)
    if moments.rest is None:
        return eliminate(moments.precision, moments.score, prior.factors[0])
    return eliminate_all(_whitened_crossed(moments, prior))


def log_integral_by_level(moments: Moments, prior: Prior) -> Array:
    """(J,) :func:`log_integral` by level of the coarsest factor; of one factor, or of nested ones."""
    if prior.parents:
        return eliminate_nested_by_level(_sizes(prior), *_whitened(moments, prior), prior.parents)
    return eliminate(moments.precision, moments.score, prior.factors[0])


def draw(moments: Moments, prior: Prior, noise: Array) -> list[Array]:
    """Exact draws of the effects given the data, per factor (Q, J), from (E,) standard normal noise."""
    factors, levels = prior.factors, prior.levels
    parts = [part.reshape(len(factor), n) for part, factor, n in _split(noise, factors, levels)]
    if prior.parents:
        x = draw_nested(_sizes(prior), *_whitened(moments, prior), prior.parents, parts)
    elif moments.rest is None:
        return [draw_effects(moments.precision, moments.score, factors[0], parts[0])]
    else:
        first, rest = draw_all(_whitened_crossed(moments, prior), parts[0], noise[parts[0].size :])
        x = [first] + [p.reshape(len(f), n) for p, f, n in _split(rest, factors[1:], levels[1:])]
    return [product(factor, part) for factor, part in zip(factors, x, strict=True)]


def _sizes(prior: Prior) -> tuple[int, ...]:
    return tuple(len(factor) for factor in prior.factors)


def _whitened(moments: Moments, prior: Prior) -> tuple[Array, Array]:
    """``Lambda'F Lambda`` and ``Lambda'g`` of what the first factor's levels carry."""
    whole = jax.scipy.linalg.block_diag(*prior.factors)
    return congruence(whole, moments.precision), product(whole.T, moments.score)


def _whitened_crossed(moments: Moments, prior: Prior) -> System:
    """``Lambda'F Lambda`` and ``Lambda'g`` by blocks."""
    factors, levels, rest = prior.factors, prior.levels, moments.rest
    first = factors[0]
    left = lambda matrix: _left(matrix, factors[1:], levels[1:])  # noqa: E731
    cross = left(rest.cross.reshape(len(rest.score), -1)).reshape(rest.cross.shape)
    return System(
        precision=congruence(first, moments.precision),
        score=product(first.T, moments.score),
        cross=jnp.einsum("scj,ca->saj", cross, first, precision="highest"),
        rest=left(left(rest.precision).T),
        rest_score=left(rest.score[:, None])[:, 0],
    )


def _left(matrix: Array, factors: list[Array], levels: list[int]) -> Array:
    """``Lambda' matrix`` for (S, R), Lambda being (Q, Q) per factor for each of its levels."""
    parts = [
        product(factor.T, part.reshape(len(factor), -1)).reshape(len(part), -1)
        for part, factor, _ in _split(matrix, factors, levels)
    ]
    return jnp.concatenate(parts)


def _split(stacked: Array, factors: list[Array], levels: list[int]) -> list[tuple[Array, Array, int]]:
    """Rows of every factor, with its Cholesky factor and number of levels."""
    stops = np.cumsum([len(factor) * n for factor, n in zip(factors, levels, strict=True)])
    parts = jnp.split(stacked, stops[:-1])
    return list(zip(parts, factors, levels, strict=True))
