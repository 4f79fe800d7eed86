"""The likelihood as a function of the variance parameters alone.

Given those, the log likelihood is quadratic in the coefficients of the means, so that the best ones and their
information I follow from its gradients at P + 1 points:

    I e_k = g(0) - g(e_k)        delta = I^-1 g(0)

Restricted likelihood integrates them out instead: ``l(delta) - log det I / 2 + P log(2 pi) / 2``, lme4's REML
criterion.

References:
    Bates et al. (2015), doi:10.18637/jss.v067.i01
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.chart import Chart, Order, parameters_at, unsigned
from hmlm.density.constrained import constrained_values
from hmlm.density.likelihood import log_likelihood
from hmlm.density.state import DensityData, Static
from hmlm.kernels.gaussian import LOG_2PI


class Pin(NamedTuple):
    """``direction' delta = value`` where ``on`` is one; where it is zero, nothing is held fixed."""

    direction: Array
    value: Array
    on: Array


class Best(NamedTuple):
    """Coefficients given the variance parameters: (P,) delta and (P, P) information."""

    delta: Array
    information: Array


def objective(
    static: Static,
    theta: Array,
    pin: Pin,
    data: DensityData,
    chart: Chart,
    *,
    restricted: bool,
    orders: tuple[Order, ...],
) -> tuple[Array, Best]:
    """Minus the profiled (or restricted) log likelihood at (k,) theta, and the best coefficients.

    The gradient takes delta as given: it is at a maximum, or where it is pinned, its multiplier vanishes.
    """

    def value(theta: Array, delta: Array) -> Array:
        return log_likelihood(static, parameters_at(static.spec, chart, theta, delta, orders), data)

    size = len(pin.direction)
    if size == 0:
        return -value(theta, jnp.zeros(0)), Best(jnp.zeros(0), jnp.zeros((0, 0)))
    best = _best(lambda delta: value(theta if restricted else jax.lax.stop_gradient(theta), delta), size)
    delta = jax.lax.stop_gradient(_pinned(best, pin))
    log_value = value(theta, delta)
    if restricted:
        root = jnp.linalg.cholesky(best.information)
        log_units = sum(
            jnp.linalg.slogdet(r)[1]
            for r, p in zip(chart.roots, static.spec.predictors, strict=True)
            if p.dpar == "mu"
        )
        log_value = log_value - jnp.sum(jnp.log(jnp.diagonal(root))) + log_units + 0.5 * size * LOG_2PI
    return -log_value, Best(delta, jax.lax.stop_gradient(best.information))


def _best(value, size: int) -> Best:
    points = jnp.concatenate([jnp.zeros((1, size)), jnp.eye(size)])
    gradients = jax.vmap(jax.grad(value))(points)
    information = gradients[0] - gradients[1:]
    information = 0.5 * (information + information.T)
    return Best(jnp.linalg.solve(jax.lax.stop_gradient(information), gradients[0]), information)


def _pinned(best: Best, pin: Pin) -> Array:
    """The best delta with ``direction' delta`` at its value."""
    spread = jnp.linalg.solve(best.information, pin.direction)
    excess = pin.direction @ best.delta - pin.value
    return best.delta - pin.on * spread * excess / (pin.direction @ spread + 1.0 - pin.on)


@jax.jit(static_argnums=0, static_argnames=("restricted", "orders"))
def evaluate(
    static: Static,
    theta: Array,
    pin: Pin,
    data: DensityData,
    chart: Chart,
    *,
    restricted: bool,
    orders: tuple[Order, ...],
) -> tuple[tuple[Array, Best], Array]:
    """:func:`objective` and its gradient in theta."""
    function = jax.value_and_grad(objective, argnums=1, has_aux=True)
    return function(static, theta, pin, data, chart, restricted=restricted, orders=orders)


@jax.jit(static_argnums=0, static_argnames="orders")
def reported(
    static: Static, theta: Array, delta: Array, data: DensityData, chart: Chart, *, orders: tuple[Order, ...]
) -> Array:
    """Every parameter as users read it, in the order of the names."""
    parameters = unsigned(parameters_at(static.spec, chart, theta, delta, orders))
    return constrained_values(static.spec, parameters, data.model)
