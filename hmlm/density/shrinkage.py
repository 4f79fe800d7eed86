"""Coefficients under shrinkage priors: from coordinates that are standard normal to values, and back.

``b_k = z_k s_k`` with the scales s of :class:`hmlm.spec.shrinkage.Shrinkage`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.precision import double_precision
from hmlm.spec.shrinkage import HORSESHOE, Shrinkage


class Shrunk(NamedTuple):
    """(K,) coefficients, what their prior is made of as draws have it, and the log density of coordinates."""

    b: Array
    made_of: Array
    log_density: Array


def shrunk(shrinkage: Shrinkage, coordinates: Array, made_of: Array, sigma: Array | float) -> Shrunk:
    """Coefficients at coordinates.

    Args:
        shrinkage: of n of the K coefficients.
        coordinates: (K,), z where a coefficient is shrunk, else the coefficient.
        made_of: values of ``shrinkage.coordinates``, whose prior is not in the log density, but for
            ``R2D2_phi`` all that is known of it.
        sigma: what multiplies the scales.
    """
    place = placement(shrinkage, len(coordinates), coordinates.dtype)
    values, log_prior = natural(shrinkage, made_of, sigma)
    z, scales = coordinates @ place, scales_of(shrinkage, values, sigma)
    alone = 1.0 - place.sum(1)
    b = coordinates * alone + place @ (z * scales)
    return Shrunk(b, values, log_prior - 0.5 * jnp.sum(z * z))


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


class ShrinkageStart(NamedTuple):
    """Values and errors at the start: (n,) of z and (H,) of ``shrinkage.coordinates``."""

    z: np.ndarray
    z_error: np.ndarray
    made_of: np.ndarray
    error: np.ndarray


def start_at(shrinkage: Shrinkage, beta: np.ndarray, error: np.ndarray, sigma: float) -> ShrinkageStart:
    """Where sampling starts, at a pilot's (n,) coefficients with their standard errors.

    Local scales follow the sizes of coefficients, so that every z is near one.
    """
    size = np.sqrt(beta**2 + error**2 + 1e-300)
    overall = np.exp(np.mean(np.log(size)))
    if shrinkage.kind == HORSESHOE:
        values = np.concatenate([[overall / sigma, 1.0], size / overall])
    else:
        total = np.clip(np.sum(size**2) / sigma**2, 0.02, 50.0)
        weights = size**2 / np.sum(size**2)
        values = np.concatenate([[total / (1.0 + total)], np.log(weights[:-1] / weights[-1])])
    with double_precision():
        drawn = natural(shrinkage, jnp.asarray(values), sigma)[0]
        scales = np.asarray(scales_of(shrinkage, drawn, sigma))
    spread = values if shrinkage.kind == HORSESHOE else np.concatenate([[0.1], np.ones(len(beta) - 1)])
    return ShrinkageStart(beta / scales, np.minimum(error / scales, 1.0), values, 0.7 * spread)
