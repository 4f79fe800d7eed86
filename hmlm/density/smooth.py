"""Wiggly coefficients of smooth functions: ``s_k ~ N(0, sds^2)``, in coordinates that know the data.

With e_k the standard error of s_k without its prior, from the pilot, the sampler moves zeta,

    ``s_k = sds r_k zeta_k``,  ``r_k = (1 + sds^2 / e_k^2)^(-1/2)``

near the textbook's ``sds zeta`` where the data say little (e large) and near ``e zeta``, which does not move
with sds, where they say much. Exact for any e.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.monotonic import steps_of, unconstrained_start
from hmlm.spec.spec import Predictor

SMALLEST_ERROR = 1e-6  # of a coefficient, relative to the largest
SMALLEST_VARIANCE = 0.05  # of the coefficients in a pilot, relative to their squared errors


def coefficients_at(
    predictor: Predictor, coordinates: Array, sds: tuple[Array, ...], errors: Array
) -> tuple[Array, Array]:
    """(K,) coefficients of all columns at the (K,) unconstrained ones, and the log density of what they add.

    Args:
        predictor: with steps and smooth functions.
        coordinates: (K,), those of wiggly coefficients last.
        sds: per smooth function, ().
        errors: of the wiggly coefficients.
    """
    if not predictor.smooths:
        return steps_of(predictor, coordinates)
    sizes = [smooth.size for smooth in predictor.smooths]
    linear, *zetas = jax.lax.split(coordinates, [predictor.n_linear, *sizes])
    linear, log_density = steps_of(predictor, linear)
    out = [linear]
    for zeta, own, error in zip(zetas, sds, jax.lax.split(errors, sizes), strict=True):
        root = jax.lax.rsqrt(1.0 + (own / error) ** 2)
        out.append(own * root * zeta)
        log_density = log_density + jnp.sum(jnp.log(root) - 0.5 * (root * zeta) ** 2)
    return jnp.concatenate(out), log_density


def start_of(
    predictor: Predictor, beta: np.ndarray, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where coefficients start, from a pilot's (K,) without priors.

    Returns:
        (K,) coordinates and (K,) rough standard errors of theirs, per smooth function sds, and the errors
        that :func:`coefficients_at` takes.
    """
    n = predictor.n_linear
    linear, linear_error = unconstrained_start(predictor, beta[:n], error[:n])
    known = np.maximum(error[n:], SMALLEST_ERROR * error[n:].max(initial=1e-300))
    zetas, sds = [], []
    for own in _slices(predictor):
        variance = known[own] ** 2
        between = max(np.mean(beta[n:][own] ** 2 - variance), SMALLEST_VARIANCE * variance.mean())
        zetas.append(beta[n:][own] * np.sqrt(between / (variance * (between + variance))))
        sds.append(np.sqrt(between))
    coordinates = np.concatenate([linear, *zetas])
    return coordinates, np.r_[linear_error, np.ones(len(known))], np.array(sds), known


def _slices(predictor: Predictor) -> list[slice]:
    """Of each smooth function among the wiggly coefficients."""
    stops = np.cumsum([0, *(smooth.size for smooth in predictor.smooths)])
    return [slice(a, b) for a, b in zip(stops[:-1], stops[1:], strict=True)]
