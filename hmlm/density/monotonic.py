"""Monotonic effects: from their coefficient and simplex to the steps that the linear algebra knows.

``c_k = b D zeta_k`` for the D steps of ``mo(x)``. They follow the plain coefficients of a predictor; on the
unconstrained scale each effect has b and the D - 1 log ratios of zeta to its last entry.

References:
    Bürkner & Charpentier (2020), doi:10.1111/bmsp.12195
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.spec.spec import Predictor


def steps_of(predictor: Predictor, coordinates: Array) -> tuple[Array, Array]:
    """Linear coefficients, steps last, at the unconstrained ones, and the simplexes' log density.

    The log density is of the Dirichlet priors with the log Jacobian, ``sum(alpha log zeta)`` and a constant;
    the prior of b is not in it.
    """
    if not predictor.monotonic:
        return coordinates, jnp.zeros((), coordinates.dtype)
    plain, *parts = jax.lax.split(coordinates, _sizes(predictor))
    out, log_density = [plain], jnp.zeros((), coordinates.dtype)
    for effect, part in zip(predictor.monotonic, parts, strict=True):
        b, ratios = jax.lax.split(part, (1, effect.size - 1))
        log_zeta = jax.nn.log_softmax(jnp.concatenate([ratios, jnp.zeros_like(b)]))
        out.append(b * effect.size * jnp.exp(log_zeta))
        log_density = log_density + jnp.sum(jnp.array(effect.simplex, log_zeta.dtype) * log_zeta)
    return jnp.concatenate(out), log_density


def named_of(predictor: Predictor, coefficients: Array) -> Array:
    """What draws have of (K,) coefficients: plain ones, b and zeta of each monotonic effect, others."""
    if not predictor.monotonic:
        return coefficients
    wiggly = len(coefficients) - predictor.n_linear
    plain, *parts, others = jax.lax.split(coefficients, [*_sizes(predictor), wiggly])
    out = [plain]
    for part in parts:
        total = jnp.sum(part)
        zeta = jnp.where(total == 0, 1.0 / len(part), part / jnp.where(total == 0, 1.0, total))
        out.extend([total[None] / len(part), zeta])
    return jnp.concatenate([*out, others])


def from_named(predictor: Predictor, values: Array) -> Array:
    """The inverse of :func:`named_of`."""
    position = len(predictor.names)
    out = [values[:position]]
    for effect in predictor.monotonic:
        b, zeta = values[position], values[position + 1 : position + 1 + effect.size]
        out.append(b * effect.size * zeta)
        position += 1 + effect.size
    return jnp.concatenate([*out, values[position:]])


def n_named(predictor: Predictor) -> int:
    """How many values draws have of a predictor's coefficients apart from its intercept."""
    return predictor.n_columns + len(predictor.monotonic)


def unconstrained_start(
    predictor: Predictor, beta: np.ndarray, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates and rough standard errors from a pilot's (K,) coefficients: even steps of its mean."""
    position = len(predictor.names)
    beta, error = beta.copy(), error.copy()
    for effect in predictor.monotonic:
        own = slice(position, position + effect.size)
        mean, spread = beta[own].mean(), np.sqrt(np.sum(error[own] ** 2)) / effect.size
        beta[own], error[own] = 0.0, 1.0
        beta[position], error[position] = mean, spread
        position += effect.size
    return beta, error


def _sizes(predictor: Predictor) -> list[int]:
    return [len(predictor.names), *(effect.size for effect in predictor.monotonic)]
