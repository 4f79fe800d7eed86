"""Coordinates for the group effects of a block: which zeta the sampler moves, which u it means.

All three are exact for any data; they differ in how well the posterior of zeta behaves. Shapes:
``zeta``, ``z`` and ``u`` are (Q, J), the factor ``L`` of the covariance is (Q, Q), ``u = L z``.

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
        constants: the thresholds among the coefficients, by outcome and name; they come last.
    """

    precision: Array
    score: Array
    cross: Array
    projection: Array
    predictors: tuple[int, ...] = field(metadata={"static": True})
    constants: tuple[tuple[int, str], ...] = field(default=(), metadata={"static": True})


class Effects(NamedTuple):
    """Effects ``u = L z`` (Q, J) and by level (J,) the log density of their coordinates, Jacobian included,
    up to a constant."""

    u: Array
    z: Array
    log_density: Array


def effects(kind: Coordinates, zeta: Array, factor: Array, beta: Array, information: Information) -> Effects:
    """Effects and log density at coordinates ``zeta``.

    Args:
        kind: which coordinates.
        zeta: (Q, J); in informed coordinates also (n, J) for the first n effects alone.
        factor: (Q, Q) lower factor L of the effects' covariance.
        beta: (P,) population-level coefficients of ``information.predictors``.
        information: of this block, on the first n effects or on more: what is known of others reaches these
            through the correlations.
    """
    if kind is Coordinates.NONCENTERED:
        return Effects(product(factor, zeta), zeta, -0.5 * jnp.sum(zeta * zeta, axis=0))
    if kind is Coordinates.CENTERED:
        return _centered(zeta, factor, _mean(information.projection, beta))
    return _informed(zeta, factor, beta, information)


def invert(kind: Coordinates, u: Array, factor: Array, beta: Array, information: Information) -> Array:
    """The coordinates (Q, J) at which :func:`effects` gives ``u``."""
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


def propose(noise: Array, factor: Array, beta: Array, information: Information) -> Proposal:
    """Draws for importance sampling of every level's first n effects, from (n, J) standard normal noise."""
    root, white = _posterior(len(noise), factor, beta, information)
    z = solve_lower_transposed(root, white + noise)
    log_weight = 0.5 * jnp.sum(noise * noise - z * z, axis=0) - root.log_diagonal
    return Proposal(z, log_weight)


def _centered(zeta: Array, factor: Array, mean: Array) -> Effects:
    u = zeta - mean
    z = solve_lower(_shared(factor), u)
    log_det = log_diagonal(factor)
    return Effects(u, z, -0.5 * jnp.sum(z * z, axis=0) - log_det)


def _informed(zeta: Array, factor: Array, beta: Array, information: Information) -> Effects:
    n = len(zeta)
    root, white = _posterior(n, factor, beta, information)
    z = solve_lower_transposed(root, white + zeta)
    log_density = -0.5 * jnp.sum(z * z, axis=0) - root.log_diagonal
    return Effects(product(factor[:n, :n], z), z, log_density)


def _posterior(n: int, factor: Array, beta: Array, information: Information) -> tuple[Cholesky, Array]:
    """C and ``C'm`` of the first n whitened effects of every level, the others eliminated before them.

    ``P = I + L'FL = CC'`` and ``m = P^-1 L'(k - K beta)``.
    """
    size = len(information.score)
    first, others = jax.lax.split(factor[:size, :size], (n, size - n), axis=1)
    ordered = jnp.concatenate([others, first], axis=1)
    precision = congruence(ordered, information.precision)
    root = cholesky(precision + jnp.eye(size, dtype=factor.dtype)[:, :, None])
    white = solve_lower(root, product(ordered.T, information.score - _mean(information.cross, beta)))
    return root.tail(n), white[size - n :]


def _mean(cross: Array, beta: Array) -> Array:
    return combine(beta[:, None], cross)[0]


def _shared(factor: Array) -> Cholesky:
    size = factor.shape[0]
    entries = tuple(tuple(factor[a, b] for b in range(a + 1)) for a in range(size))
    inverse = tuple(1.0 / factor[a, a] for a in range(size))
    return Cholesky(entries, inverse, tuple(jnp.log(factor[a, a])[None] for a in range(size)))
