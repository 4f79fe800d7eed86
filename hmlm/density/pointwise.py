"""The log likelihood of every row given its group effects, all rows at once or some of them for all draws."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.family_rows import each_family_cdf, each_family_row
from hmlm.density.log_density import DRAWS_AT_A_TIME, LogDensity, group_effects
from hmlm.density.parameters import Parameters
from hmlm.density.precision import double_precision
from hmlm.density.series import innovations
from hmlm.density.state import DensityData, Static, parameters_at
from hmlm.kernels.gaussian import gaussian_each
from hmlm.spec.spec import Spec


def row_log_likelihood(density: LogDensity, x: np.ndarray, seed: int) -> np.ndarray:
    """Log density of every row of the table given its group effects.

    Args:
        density: the model.
        x: (..., D) points.
        seed: of the recovered effects; the one of ``LogDensity.effects`` gives the same effects.

    Returns:
        (..., N).
    """
    with double_precision():
        flat = jnp.asarray(x).reshape(-1, density.size)
        keys = jax.random.split(jax.random.key(seed), len(flat))
        rows = _rows(density.static, flat, keys, density.data)
    return np.asarray(rows).reshape(*x.shape[:-1], -1)


@jax.jit(static_argnums=0)
def _rows(static: Static, x: Array, keys: Array, data: DensityData) -> Array:
    def one(arguments: tuple[Array, Array]) -> Array:
        point, key = arguments
        parameters, _ = parameters_at(static, point, data)
        return by_row(static, parameters, list(group_effects(static, point, key, data)), data)

    return jax.lax.map(one, (x, keys), batch_size=DRAWS_AT_A_TIME)


def by_row(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Array:
    """(N,) log density of the rows in the table's order, given per block (Q, J) effects."""
    return each_row(static.spec, parameters, u, data.model).ravel()[data.model.order]


def each_row(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(T, L) log density of the rows, those of padding included; in series given the row before."""
    arguments = (spec, parameters, u, data)
    if not spec.normal:
        return each_family_row(*arguments)
    residual, log_sigma, lag = innovations(*arguments)
    rows = gaussian_each(residual, log_sigma, parameters.rescor)
    return rows if lag is None else rows + lag.log_first


def each_cdf(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(M, T, L) probability of an outcome below the one observed, given the row's effects."""
    arguments = (spec, parameters, u, data)
    if not spec.normal:
        return each_family_cdf(*arguments)
    residual, log_sigma, _ = innovations(*arguments)
    return jax.scipy.special.ndtr(residual * jnp.exp(-log_sigma))
