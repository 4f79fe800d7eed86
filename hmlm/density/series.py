"""Residuals in series made independent.

Under ``ar`` rows less a multiple of the row before are independent again.

With r the residuals, s their standard deviations and rho the autoregression, brms's regression on the
residual before makes ``r_i - rho r_before`` independent with standard deviation ``s_i``. With ``cov = TRUE``
``r_i / s_i`` is stationary, so that ``r_i - rho (s_i / s_before) r_before`` is, and for the first of a
series ``sqrt(1 - rho²) r_i``, whose log density gains ``log(1 - rho²) / 2``. Columns of effects
are treated likewise. What ``cosy`` and ``unstr`` make of rows says :mod:`hmlm.density.repeated`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.linear import log_sigmas, residuals
from hmlm.density.parameters import Parameters
from hmlm.density.repeated import (
    RepeatedRows,
    gain_cosy,
    gain_unstr,
    inverse_factors,
    whiten_cosy,
    whiten_unstr,
)
from hmlm.spec.spec import AR, COSY, Spec
from hmlm.types import Dependence


class Lag(NamedTuple):
    """What rows less those before them are: ``own * now - before * then``.

    Attributes:
        own: (T, L) or (), factor of a row's own values.
        before: (T, L) or (), factor of the values of the row before.
        gain: (T, L), what the log density of a row gains, zero but for the first of a series.
    """

    own: Array
    before: Array
    gain: Array

    def __call__(self, now: Array, then: Array) -> Array:
        """(..., T, L) differences of values of rows and of the rows before them."""
        return self.own * now - self.before * then

    def column(self, data: ModelData, i: int) -> Array:
        """(T, L) a column of effects likewise."""
        return self(data.columns[i], data.lagged.columns[i])


class Whitening(NamedTuple):
    """What rows less those of their series that come earlier are, in units of their standard deviations.

    Attributes:
        white: (..., S, W) values by series and place -> the same, independent.
        scale: (T, L) or (1, 1) standard deviations.
        rows: where rows stand.
        inside: (T, L), one in every row and zero in padding.
        gain: (T, L), what the log density of a row gains.
    """

    white: Callable[[Array], Array]
    scale: Array
    rows: RepeatedRows
    inside: Array
    gain: Array

    def __call__(self, values: Array) -> Array:
        """(..., T, L) values of rows; zero where rows are padded."""
        if self.scale.size == 1:
            return self._unscaled(values)
        return self.scale * self._unscaled(values / self.scale)

    def column(self, data: ModelData, i: int) -> Array:
        """(T, L) a column of effects likewise."""
        return self(data.columns[i])

    def _unscaled(self, values: Array) -> Array:
        return self.inside * self.rows.by_row(self.white(self.rows.by_series(values)))


class Innovations(NamedTuple):
    """(M, T, L) independent residuals, log standard deviations, and what made them (None of rows as is)."""

    residual: Array
    log_sigma: Array
    lag: Lag | Whitening | None


def innovations(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Innovations:
    """Independent residuals of the rows, given per block (Q, J) effects."""
    residual, log_sigma = residuals(spec, parameters, u, data), log_sigmas(spec, parameters, u, data)
    if spec.autocor is None:
        return Innovations(residual, log_sigma, None)
    if spec.repeated:
        whitening = _whitening(spec, parameters, data, log_sigma)
        return Innovations(whitening(residual), log_sigma, whitening)
    lag = _lag(spec, parameters, u, data, log_sigma)
    return Innovations(lag(residual, residuals(spec, parameters, u, data.lagged)), log_sigma, lag)


def correlation(parameters: Parameters) -> Array:
    """() the autoregression rho."""
    return parameters.constants[AR][0]


def _whitening(spec: Spec, parameters: Parameters, data: ModelData, log_sigma: Array) -> Whitening:
    rows, inside = data.repeated, data.columns[0]
    if rows.dependence is Dependence.COSY:
        rho = parameters.constants[COSY][0]
        white, gain = partial(whiten_cosy, rho), gain_cosy(rho, rows.shape[1])
    else:
        inverse = inverse_factors(parameters.cortime, rows.present)
        white = partial(whiten_unstr, inverse, rows.patterns)
        gain = gain_unstr(inverse, rows.patterns)
    gain = inside * rows.by_row(jnp.broadcast_to(gain, rows.shape))
    return Whitening(white, jnp.exp(log_sigma[0]), rows, inside, gain)


def _lag(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData, log_sigma: Array) -> Lag:
    rho = correlation(parameters)
    first = data.columns[0] - data.lagged.columns[0]
    if not spec.autocor.stationary:
        return Lag(jnp.ones_like(rho), rho, jnp.zeros_like(first))
    shrink = jnp.sqrt(1.0 - rho**2)
    own, log_first = 1.0 + first * (shrink - 1.0), first * jnp.log(shrink)
    if log_sigma.size == 1:
        return Lag(own, rho, log_first)
    before = log_sigmas(spec, parameters, u, data.lagged)
    return Lag(own, rho * jnp.exp(log_sigma[0] - before[0]), log_first)
