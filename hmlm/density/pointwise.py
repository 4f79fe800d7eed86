"""The log likelihood of every row given its group effects, all rows at once or some of them for all draws."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.draws import NamedDraws
from hmlm.density.family_rows import each_family_cdf, each_family_row
from hmlm.density.log_density import DRAWS_AT_A_TIME, LogDensity
from hmlm.density.named import parameters_of
from hmlm.density.parameters import Parameters
from hmlm.density.precision import double_precision
from hmlm.density.residual_correlation import residual_factor
from hmlm.density.series import innovations
from hmlm.kernels.gaussian import gaussian_each
from hmlm.spec.spec import Spec


def row_log_likelihood(density: LogDensity, draws: NamedDraws) -> np.ndarray:
    """(..., N) log density of every row of the table given its group effects."""
    with double_precision():
        rows = _rows(density.static.spec, draws.parameters(), draws.effects(), density.data.model)
    return np.asarray(rows).reshape(*draws.shape, -1)


@jax.jit(static_argnums=0)
def _rows(spec: Spec, draws: Array, effects: tuple[Array, ...], data: ModelData) -> Array:
    def one(arguments: tuple[Array, tuple[Array, ...]]) -> Array:
        row, u = arguments
        return each_row(spec, parameters_of(spec, row, data), list(u), data).ravel()[data.order]

    return jax.lax.map(one, (draws, effects), batch_size=DRAWS_AT_A_TIME)


def each_row(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(T, L) log density of the rows, those of padding included; in series given the row before."""
    arguments = (spec, parameters, u, data)
    if not spec.normal:
        return each_family_row(*arguments)
    residual, log_sigma, lag = innovations(*arguments)
    rows = gaussian_each(residual, log_sigma, residual_factor(*arguments))
    rows = rows if lag is None else rows + lag.gain
    return rows if data.log_jacobian is None else rows + data.log_jacobian


def each_cdf(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(M, T, L) probability of an outcome of at most the one observed, given the row's effects."""
    arguments = (spec, parameters, u, data)
    if not spec.normal:
        return each_family_cdf(*arguments)
    residual, log_sigma, _ = innovations(*arguments)
    return jax.scipy.special.ndtr(residual * jnp.exp(-log_sigma))


def each_below(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(M, T, L) probability of a count smaller than the one observed, given the row's effects."""
    return each_family_cdf(spec, parameters, u, data, less=1.0)
