"""Informed coordinates by the native kernel: effects, their gradient, and nothing of either left to XLA."""

from __future__ import annotations

from typing import NamedTuple

import jax
from jax import Array

from hmlm.kernels.native.library import target


class Known(NamedTuple):
    """What the data say about s effects of every level.

    Attributes:
        precision: (s, s, J) F.
        score: (s, J) k.
        cross: (P, s, J) K, with the P population-level coefficients.
    """

    precision: Array
    score: Array
    cross: Array


@jax.custom_vjp
def informed(zeta: Array, factor: Array, beta: Array, known: Known) -> tuple[Array, Array]:
    """``u = L z`` and the log density of the coordinates.

    With ``P = I + O'FO = CC'``, O the first s rows of L with the columns of its first n last, and
    ``m = P^-1 O'(k - K beta)``: ``C'(z - m) = zeta`` for the n sampled effects, the other s - n eliminated.

    Args:
        zeta: (n, J).
        factor: (Q, Q) lower factor L of the block's covariance, its first n effects sampled.
        beta: (P,).
        known: on the first s >= n effects.

    Returns:
        (Q, J) the sampled effects and the conditional means of the others; scalar log density, Jacobian
        included, up to a constant.
    """
    return _forward(zeta, factor, beta, known)[0]


def _forward(zeta: Array, factor: Array, beta: Array, known: Known) -> tuple[tuple[Array, Array], tuple]:
    n, levels = zeta.shape
    s = known.score.shape[0]
    shapes = ((factor.shape[0], levels), (), (s * (s + 1) // 2 + s + n, levels))
    u, log_density, saved = _call("informed", zeta, shapes)(zeta, factor, beta, *known)
    return (u, log_density), (zeta, factor, beta, known, saved)


def _backward(kept: tuple, cotangent: tuple[Array, Array]) -> tuple[Array, Array, Array, None]:
    zeta, factor, beta, known, saved = kept
    call = _call("informed_gradient", zeta, (zeta.shape, factor.shape, beta.shape))
    d_zeta, d_factor, d_beta = call(zeta, factor, beta, *known, saved, *cotangent)
    return d_zeta, d_factor, d_beta, None


def _call(kernel: str, like: Array, shapes: tuple[tuple[int, ...], ...]):
    results = [jax.ShapeDtypeStruct(shape, like.dtype) for shape in shapes]
    return jax.ffi.ffi_call(target(kernel, like.dtype), results, vmap_method="expand_dims")


informed.defvjp(_forward, _backward)
