"""Coordinates for the group effects of a block: which zeta the sampler moves, which u it means.

All three are exact for any data; they differ in how well the posterior of zeta behaves. Shapes:
``zeta``, ``z`` and ``u`` are (Q, J), the factor ``L`` of the covariance is (Q, Q), ``u = L z``. Where
standard deviations differ between levels, ``u = d L z`` with (Q, J) scales d, and the information on
``u / d`` is ``DFD``, its score ``Dk`` and ``DK``.

References:
    Papaspiliopoulos, Roberts & Skold (2007), doi:10.1214/088342307000000014
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.kernels.combine import combine
from hmlm.kernels.fusing import product
from hmlm.kernels.small import (
    Cholesky,
    cholesky,
    congruence,
    log_diagonal,
    lower_product_transposed,
    solve_lower,
    solve_lower_transposed,
)


class Coordinates(enum.Enum):
    """How a block of group effects is sampled."""

    NONCENTERED = "noncentered"
    CENTERED = "centered"
    INFORMED = "informed"


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Information:
    """What the data say about the first Q effects of each level, at a pilot estimate.

    Attributes:
        precision: (Q, Q, J) expected Fisher information F of the effects.
        score: (Q, J) ``k``, one scoring step's right-hand side.
        cross: (P, Q, J) cross-information K with the P population-level coefficients.
        projection: (P, Q, J) pseudo-inverse of F times K, the limit of much data.
        predictors: the predictors whose coefficients those are.
    """

    precision: Array
    score: Array
    cross: Array
    projection: Array
    predictors: tuple[int, ...] = field(metadata={"static": True})


class Effects(NamedTuple):
    """Effects ``u = d L z`` (Q, J) and by level (J,) the log density of their coordinates, Jacobian included,
    up to a constant."""

    u: Array
    z: Array
    log_density: Array


def effects(
    kind: Coordinates,
    zeta: Array,
    factor: Array,
    beta: Array,
    information: Information,
    scale: Array | None = None,
) -> Effects:
    """Effects and log density at coordinates ``zeta``.

    Args:
        kind: which coordinates.
        zeta: (Q, J); in informed coordinates also (n, J) for the first n effects alone.
        factor: (Q, Q) lower factor L of the effects' covariance.
        beta: (P,) population-level coefficients of ``information.predictors``.
        information: of this block, on the first n effects or on more: what is known of others reaches these
            through the correlations.
        scale: d of these effects or of more, None for one.
    """
    if kind is Coordinates.NONCENTERED:
        u = scaled(product(factor, zeta), scale)
        return Effects(u, zeta, -0.5 * jnp.sum(zeta * zeta, axis=0))
    if kind is Coordinates.CENTERED:
        return _centered(zeta, factor, _mean(information.projection, beta), scale)
    return _informed(zeta, factor, beta, information, scale)


def scaled(values: Array, scale: Array | None) -> Array:
    """(..., n, J) values of the first n effects times their scales."""
    return values if scale is None else values * scale[: values.shape[-2]]


def invert(kind: Coordinates, u: Array, factor: Array, beta: Array, information: Information) -> Array:
    """The coordinates (Q, J) at which :func:`effects` gives ``u``, scales being one."""
    if kind is Coordinates.CENTERED:
        return u + _mean(information.projection, beta)
    n = len(u)
    z = jax.scipy.linalg.solve_triangular(factor[:n, :n], u, lower=True)
    if kind is Coordinates.NONCENTERED:
        return z
    root, white = _posterior(n, factor, beta, information)
    return lower_product_transposed(root, z) - white


class Proposal(NamedTuple):
    """Draws ``z`` (n, J) from the informed approximation, and (J,) log of the prior over its density."""

    z: Array
    log_weight: Array


def propose(
    noise: Array, factor: Array, beta: Array, information: Information, scale: Array | None = None
) -> Proposal:
    """Draws for importance sampling of every level's first n effects, from (n, J) standard normal noise."""
    root, white = _posterior(len(noise), factor, beta, information, scale)
    z = solve_lower_transposed(root, white + noise)
    log_weight = 0.5 * jnp.sum(noise * noise - z * z, axis=0) - root.log_diagonal
    return Proposal(z, log_weight)


def _centered(zeta: Array, factor: Array, mean: Array, scale: Array | None) -> Effects:
    u = zeta - mean
    z = solve_lower(_shared(factor), u if scale is None else u / scale)
    log_det = log_diagonal(factor) + (0.0 if scale is None else jnp.sum(jnp.log(scale), axis=0))
    return Effects(u, z, -0.5 * jnp.sum(z * z, axis=0) - log_det)


def _informed(
    zeta: Array, factor: Array, beta: Array, information: Information, scale: Array | None
) -> Effects:
    n = len(zeta)
    root, white = _posterior(n, factor, beta, information, scale)
    z = solve_lower_transposed(root, white + zeta)
    log_density = -0.5 * jnp.sum(z * z, axis=0) - root.log_diagonal
    return Effects(scaled(product(factor[:n, :n], z), scale), z, log_density)


def _posterior(
    n: int, factor: Array, beta: Array, information: Information, scale: Array | None = None
) -> tuple[Cholesky, Array]:
    """C and ``C'm`` of the first n whitened effects of every level, the others eliminated before them.

    ``P = I + L'DFDL = CC'`` and ``m = P^-1 L'D(k - K beta)``.
    """
    size = len(information.score)
    first, others = jax.lax.split(factor[:size, :size], (n, size - n), axis=1)
    ordered = jnp.concatenate([others, first], axis=1)
    precision = congruence(ordered, _both_scaled(information.precision, scale))
    root = cholesky(precision + jnp.eye(size, dtype=factor.dtype)[:, :, None])
    score = scaled(information.score - _mean(information.cross, beta), scale)
    white = solve_lower(root, product(ordered.T, score))
    return root.tail(n), white[size - n :]


def _both_scaled(precision: Array, scale: Array | None) -> Array:
    """``DFD`` by level."""
    return precision if scale is None else scaled(scaled(precision, scale).swapaxes(0, 1), scale)


def _mean(cross: Array, beta: Array) -> Array:
    return combine(beta[:, None], cross)[0]


def _shared(factor: Array) -> Cholesky:
    size = factor.shape[0]
    entries = tuple(tuple(factor[a, b] for b in range(a + 1)) for a in range(size))
    inverse = tuple(1.0 / factor[a, a] for a in range(size))
    return Cholesky(entries, inverse, tuple(jnp.log(factor[a, a])[None] for a in range(size)))
