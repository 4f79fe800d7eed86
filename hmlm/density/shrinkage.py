"""Coefficients under shrinkage priors: from the coordinates that are sampled to values.

``b_k = z_k s_k`` with the scales s of :class:`hmlm.spec.shrinkage.Shrinkage`. With the data's information F
on b at a pilot estimate and its score k = F b, as for group effects (:mod:`hmlm.density.coordinates`)

    P = I + S F S = CC'     m = P^-1 S k     z = m + C^-T zeta

zeta is what the sampler moves: F = 0 leaves z, and coefficients of which the data say much no longer depend
on their scales. Exact for any F.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import solve_triangular

from hmlm.kernels.small import log_diagonal
from hmlm.spec.shrinkage import HORSESHOE, Shrinkage


class Shrunk(NamedTuple):
    """(K,) coefficients, what their prior is made of as draws have it, and the log density of coordinates."""

    b: Array
    made_of: Array
    log_density: Array


class CoefficientInformation(NamedTuple):
    """The data's (n, n) information on the coefficients that are shrunk, and (n,) score, at a pilot."""

    precision: Array
    score: Array


def shrunk(
    shrinkage: Shrinkage,
    coordinates: Array,
    made_of: Array,
    sigma: Array | float,
    known: CoefficientInformation,
) -> Shrunk:
    """Coefficients at coordinates.

    Args:
        shrinkage: of n of the K coefficients.
        coordinates: (K,), zeta where a coefficient is shrunk, else the coefficient.
        made_of: values of ``shrinkage.coordinates``, whose prior is not in the log density, but for
            ``R2D2_phi`` all of it.
        sigma: what multiplies the scales.
        known: at a pilot.
    """
    place = placement(shrinkage, len(coordinates), coordinates.dtype)
    values, log_prior = natural(shrinkage, made_of, sigma)
    scales = scales_of(shrinkage, values, sigma)
    root, white = posterior(scales, known)
    z = solve_triangular(root, white + coordinates @ place, trans=1, lower=True)
    b = coordinates * (1.0 - place.sum(1)) + place @ (z * scales)
    return Shrunk(b, values, log_prior - 0.5 * jnp.sum(z * z) - log_diagonal(root))


def posterior(scales: Array, known: CoefficientInformation) -> tuple[Array, Array]:
    """(n, n) C and (n,) ``C'm``."""
    precision = scales[:, None] * known.precision * scales + jnp.eye(len(scales), dtype=scales.dtype)
    root = jnp.linalg.cholesky(precision)
    return root, solve_triangular(root, scales * known.score, lower=True)


def placement(shrinkage: Shrinkage, size: int, dtype: np.dtype) -> np.ndarray:
    """(K, n) ones where a column's coefficient is shrunk: unlike indices its products need no scatter."""
    return np.eye(size, dtype=dtype)[:, list(shrinkage.columns)]


def natural(shrinkage: Shrinkage, made_of: Array, sigma: Array | float) -> tuple[Array, Array]:
    """Draws' values of what the prior is made of, and what the log prior of its coordinates lacks."""
    zero = jnp.zeros((), made_of.dtype)
    if shrinkage.kind == HORSESHOE:
        tau, others = jax.lax.split(made_of, (1, made_of.size - 1))
        return jnp.concatenate([tau * sigma, others]), zero
    r2, ratios = jax.lax.split(made_of, (1, shrinkage.size - 1))
    log_phi = jax.nn.log_softmax(jnp.concatenate([ratios, zero[None]]))
    shapes = np.array(shrinkage.args[2:], made_of.dtype)
    return jnp.concatenate([r2, jnp.exp(log_phi)]), jnp.sum(shapes * log_phi)


def scales_of(shrinkage: Shrinkage, values: Array, sigma: Array | float) -> Array:
    """(..., n) prior standard deviations of coefficients at (..., H) draws' values and (..., 1) sigma."""
    if shrinkage.kind == HORSESHOE:
        tau, slab, local = values[..., :1], values[..., 1:2], values[..., 2:]
        log_slab = 2.0 * math.log(shrinkage.args[3]) + jnp.log(slab)
        return jnp.exp(-0.5 * jnp.logaddexp(-2.0 * (jnp.log(tau) + jnp.log(local)), -log_slab))
    r2, phi = values[..., :1], values[..., 1:]
    return sigma * (phi * r2 / (1.0 - r2)) ** 0.5
