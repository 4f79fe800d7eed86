"""The residual correlation of two outcomes where it has a formula: ``atanh(rho_i) = eta_i``.

Standardised residuals e of one row have the log density ``-log(1 - rho²) / 2 - (e1² - 2 rho e1 e2 + e2²) /
(2 (1 - rho²))``. Its derivatives below follow from ``d rho / d eta = 1 - rho²``; the expected information is
that of a bivariate normal on this scale, checked against autodiff and quadrature in the tests.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.linear import linear_predictor
from hmlm.density.parameters import Parameters
from hmlm.spec.spec import Spec


def residual_factor(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array | None:
    """Lower Cholesky factor of the residual correlation R, None without one.

    Returns:
        (M, M) of all rows; (2, 2, T, L) row by row where it has a formula, the identity where padded.
    """
    p = spec.rescor_predictor
    if p is None:
        return parameters.rescor
    return factor_of(linear_predictor(spec, p, parameters, u, data))


def factor_of(eta: Array) -> Array:
    """(2, 2, ...) lower Cholesky factors of the correlations ``tanh(eta)``."""
    one = jnp.ones_like(eta)
    return jnp.stack([jnp.stack([one, 0.0 * one]), jnp.stack([jnp.tanh(eta), 1.0 / jnp.cosh(eta)])])


# --- on the host ----------------------------------------------------------------------------------


def correlation_score(eta: np.ndarray, square: np.ndarray, product: np.ndarray) -> np.ndarray:
    """(N,) derivatives of the rows' log density by eta.

    Args:
        eta: (N,) atanh of the correlation.
        square: (N,) ``e1² + e2²`` of standardised residuals.
        product: (N,) ``e1 e2``.
    """
    rho = np.tanh(eta)
    return rho + ((1.0 + rho**2) * product - rho * square) / (1.0 - rho**2)


def correlation_information(rho: np.ndarray) -> np.ndarray:
    """(N,) expected information on eta; with every log sigma it shares ``-rho``."""
    return 1.0 + rho**2


def correlation_matrices(eta: np.ndarray) -> np.ndarray:
    """(2, 2, N) correlation matrices of the rows."""
    rho, one = np.tanh(eta), np.ones_like(eta)
    return np.array([[one, rho], [rho, one]])
