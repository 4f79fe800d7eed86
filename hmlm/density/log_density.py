"""The model's log density over one unconstrained vector, and everything read off that vector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.backend import Backend
from hmlm.density.constrained import constrained_names, constrained_values
from hmlm.density.fused import fused_log_likelihood
from hmlm.density.integrate import draw, log_integral
from hmlm.density.layout import Layout
from hmlm.density.level_scales import integrated_scales
from hmlm.density.mixing import mixed_levels
from hmlm.density.parameters import Parameters
from hmlm.density.plan import Plan
from hmlm.density.precision import double_precision
from hmlm.density.state import (
    DensityData,
    Static,
    moments_at,
    parameters_at,
    prior_of_integrated,
    state_at,
    total,
)
from hmlm.spec.spec import Spec, without_levels

DRAWS_AT_A_TIME = 32  # when effects are recovered: where rows are needed, each draw touches all of them


@dataclass(frozen=True, eq=False)
class LogDensity:
    """A pure log density over (D,) sampling coordinates.

    Calling it evaluates in float64; :func:`log_density` is the pure function that samplers compile, with
    the data as an argument.

    Attributes:
        spec: the model.
        plan: what is integrated out, and how the rest is sampled.
        data: arrays.
        initial: (D,) a quick point estimate.
        backend: who computes the kernels.
    """

    spec: Spec
    plan: Plan
    data: DensityData
    initial: np.ndarray
    backend: Backend = Backend.XLA

    @cached_property
    def static(self) -> Static:
        """The hashable half of the density, by which programs are cached."""
        return Static(without_levels(self.spec), self.plan, self.backend)

    @property
    def layout(self) -> Layout:
        """Where each parameter stands."""
        return self.static.layout

    @property
    def size(self) -> int:
        """D, number of sampling coordinates."""
        return self.layout.size

    @property
    def names(self) -> tuple[str, ...]:
        """Draws' names of the population-level parameters that :meth:`constrain` returns."""
        return constrained_names(self.spec)

    def __call__(self, x: Array | np.ndarray) -> Array:
        """Log density at (D,) ``x``, up to a constant."""
        with double_precision():
            return _evaluate(self.static, jnp.asarray(x), self.data)

    def value_and_grad(self, x: Array | np.ndarray) -> tuple[Array, Array]:
        """Log density and its (D,) gradient."""
        with double_precision():
            return _value_and_grad(self.static, jnp.asarray(x), self.data)

    def constrain(self, x: Array | np.ndarray) -> dict[str, np.ndarray]:
        """Population-level parameters at (..., D) ``x``, by draws' names, each (...)."""
        return dict(zip(self.names, np.moveaxis(self.values(x), -1, 0), strict=True))

    def values(self, x: Array | np.ndarray) -> np.ndarray:
        """(..., P) population-level parameters at (..., D) ``x``, in the order of :attr:`names`."""
        with double_precision():
            flat = _constrain(self.static, jnp.asarray(x).reshape(-1, self.size), self.data)
        return np.asarray(flat).reshape(*np.shape(x)[:-1], len(self.names))

    def effects(self, x: Array | np.ndarray, seed: int | None = 0) -> tuple[np.ndarray, ...]:
        """Group effects at (..., D) ``x``: per block (..., J, Q) in the order of its terms.

        Effects that were integrated out are exact draws given everything else at ``x``; the same seed and
        ``x`` give the same draws; without a seed they are the means given everything else.
        """
        if seed is None:
            return self.effects_by(x, None)
        n_draws = np.size(x) // self.size
        return self.effects_by(x, jax.random.key_data(jax.random.split(jax.random.key(seed), n_draws)))

    def effects_by(self, x: Array | np.ndarray, keys: Array | np.ndarray | None) -> tuple[np.ndarray, ...]:
        """As :meth:`effects`, each point by its own key, as many (2,) key data as points."""
        with double_precision():
            flat = jnp.asarray(x).reshape(-1, self.size)
            each = (
                None if keys is None else jax.random.wrap_key_data(jnp.asarray(keys).reshape(len(flat), -1))
            )
            blocks = _effects(self.static, flat, each, self.data)
        return tuple(np.asarray(u.swapaxes(1, 2)).reshape(*np.shape(x)[:-1], *u.shape[:0:-1]) for u in blocks)


def log_density(static: Static, x: Array, data: DensityData) -> Array:
    """Log density at (D,) ``x``: priors, sampled effects, rows with the other effects integrated out."""
    parameters, log_prior, u = state_at(static, x, data)
    if data.fused is not None:
        return total([*log_prior, fused_log_likelihood(static, parameters, u, data)])
    moments = moments_at(static, parameters, u, data)
    if not static.plan.factors:
        return total([*log_prior, moments.log_rows])
    prior = prior_of_integrated(static, parameters, data)
    return total([*log_prior, moments.log_rows, log_integral(moments, prior)])


def group_effects(static: Static, x: Array, key: Array | None, data: DensityData) -> tuple[Array, ...]:
    """Per block (Q, J) effects at (D,) ``x``, those integrated out drawn given everything else.

    Without a key they are their means.
    """
    state = state_at(static, x, data)
    return with_integrated(static, state.parameters, state.u, key, data)


def with_integrated(
    static: Static, parameters: Parameters, sampled: list[Array], key: Array | None, data: DensityData
) -> tuple[Array, ...]:
    """Per block (Q, J) effects: those that were integrated out are drawn given the others and the data."""
    if not static.plan.factors:
        return tuple(sampled)
    prior = prior_of_integrated(static, parameters, data)
    n_effects = sum(len(factor) * n for factor, n in zip(prior.factors, prior.levels, strict=True))
    moments = moments_at(static, parameters, sampled, data)
    shape, dtype = (n_effects,), data.scale.dtype
    noise = jnp.zeros(shape, dtype) if key is None else jax.random.normal(key, shape, dtype)
    drawn = draw(moments, prior, noise)
    u = list(sampled)
    for factor, effects in zip(static.plan.factors, drawn, strict=True):
        scales = integrated_scales(static.spec, static.plan, factor, parameters, data.model)
        places = static.plan.integrated(static.spec, factor)
        for (b, q), values, scale in zip(places, effects, scales, strict=True):
            u[b] = u[b].at[q].add(mixed_levels(values[None], data.mixing[b])[0] * scale)
    return tuple(u)


@jax.jit(static_argnums=0)
def _evaluate(static: Static, x: Array, data: DensityData) -> Array:
    return log_density(static, x, data)


@jax.jit(static_argnums=0)
def _value_and_grad(static: Static, x: Array, data: DensityData) -> tuple[Array, Array]:
    return jax.value_and_grad(log_density, argnums=1)(static, x, data)


@jax.jit(static_argnums=0)
def _constrain(static: Static, x: Array, data: DensityData) -> Array:
    def one(row: Array) -> Array:
        parameters, _ = parameters_at(static, row, data)
        return constrained_values(static.spec, parameters, data.model)

    return jax.vmap(one)(x)


@jax.jit(static_argnums=0)
def _effects(static: Static, x: Array, keys: Array | None, data: DensityData) -> tuple[Array, ...]:
    def one(arguments: tuple[Array, Array | None]) -> tuple[Array, ...]:
        return group_effects(static, *arguments, data)

    return jax.lax.map(one, (x, keys), batch_size=DRAWS_AT_A_TIME)
