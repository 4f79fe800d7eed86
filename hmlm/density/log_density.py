"""The model's log density over one unconstrained vector, and everything read off that vector."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.constrained import constrained_names, constrained_values
from hmlm.density.coordinates import Coordinates, Effects, Information, effects
from hmlm.density.data import ModelData
from hmlm.density.layout import Layout, make_layout
from hmlm.density.linear import block_coefficients, linear_predictors, residuals
from hmlm.density.parameters import Parameters, unpack
from hmlm.density.precision import double_precision
from hmlm.kernels.gaussian import gaussian_rows
from hmlm.spec.spec import Spec


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class DensityData:
    """Arguments of the density.

    Attributes:
        model: the model's arrays.
        information: per block, the pilot's information.
        scale: (D,) approximate posterior standard deviations on the unconstrained scale: samplers move in
            units of these, so that no adaptation starts from scales apart by orders of magnitude.
    """

    model: ModelData
    information: tuple[Information, ...]
    scale: Array


@dataclass(frozen=True, eq=False)
class LogDensity:
    """A pure log density over (D,) unconstrained coordinates.

    Calling it evaluates in float64. :meth:`evaluate` is the pure function that samplers compile, with the
    data as an argument.

    Attributes:
        spec: the model.
        coordinates: per block, how its effects are sampled.
        data: arrays.
        initial: (D,) a quick point estimate, in sampling coordinates.
    """

    spec: Spec
    coordinates: tuple[Coordinates, ...]
    data: DensityData
    initial: np.ndarray

    @cached_property
    def layout(self) -> Layout:
        """Where each parameter stands."""
        return make_layout(self.spec)

    @property
    def size(self) -> int:
        """D, number of unconstrained coordinates."""
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
        with double_precision():
            x = jnp.asarray(x)
            flat = _constrain(self.static, x.reshape(-1, self.size), self.data)
        return {name: np.asarray(flat[:, i]).reshape(x.shape[:-1]) for i, name in enumerate(self.names)}

    def effects(self, x: Array | np.ndarray) -> tuple[np.ndarray, ...]:
        """Group effects at (..., D) ``x``: per block (..., J, Q) in the order of its terms."""
        with double_precision():
            x = jnp.asarray(x)
            blocks = _effects(self.static, x.reshape(-1, self.size), self.data)
        return tuple(np.asarray(u.swapaxes(1, 2)).reshape(*x.shape[:-1], *u.shape[:0:-1]) for u in blocks)

    @cached_property
    def static(self) -> Static:
        """The hashable half of the density, by which programs are cached."""
        return Static(_without_levels(self.spec), self.coordinates)


@dataclass(frozen=True)
class Static:
    """What a compiled program depends on apart from array shapes."""

    spec: Spec
    coordinates: tuple[Coordinates, ...]

    @cached_property
    def layout(self) -> Layout:
        """Where each parameter stands."""
        return make_layout(self.spec)


def _without_levels(spec: Spec) -> Spec:
    """The spec with nameless levels: programs depend on how many there are, not on what they are called."""
    factors = tuple(replace(factor, levels=("",) * factor.n_levels) for factor in spec.factors)
    return replace(spec, factors=factors)


def log_density(static: Static, x: Array, data: DensityData) -> Array:
    """Log density at (D,) ``x``: priors, coordinates of the effects, rows."""
    parameters, log_prior, blocks = state(static, x, data)
    eta = linear_predictors(static.spec, parameters, [block.u for block in blocks], data.model)
    log_rows = gaussian_rows(*residuals(static.spec, parameters, eta, data.model), parameters.rescor)
    return log_prior + sum((block.log_density for block in blocks), start=log_rows)


def state(static: Static, x: Array, data: DensityData) -> tuple[Parameters, Array, list[Effects]]:
    """Parameters at (D,) ``x``, their log prior, and per block the group effects."""
    unconstrained = x * data.scale
    parameters, log_prior = unpack(static.spec, static.layout, unconstrained)
    return parameters, log_prior, _block_effects(static, parameters, unconstrained, data)


def _block_effects(static: Static, parameters: Parameters, x: Array, data: DensityData) -> list[Effects]:
    """Per block the effects at ``x`` and the log density of their coordinates."""
    out = []
    for b, block in enumerate(static.spec.blocks):
        zeta = x[static.layout.effects[b].slice].reshape(block.size, -1)
        beta = block_coefficients(static.spec, b, parameters)
        factor = parameters.factor(b)
        out.append(effects(static.coordinates[b], zeta, factor, beta, data.information[b]))
    return out


@jax.jit(static_argnums=0)
def _evaluate(static: Static, x: Array, data: DensityData) -> Array:
    return log_density(static, x, data)


@jax.jit(static_argnums=0)
def _value_and_grad(static: Static, x: Array, data: DensityData) -> tuple[Array, Array]:
    return jax.value_and_grad(log_density, argnums=1)(static, x, data)


@jax.jit(static_argnums=0)
def _constrain(static: Static, x: Array, data: DensityData) -> Array:
    def one(row: Array) -> Array:
        parameters, _ = unpack(static.spec, static.layout, row * data.scale)
        return constrained_values(static.spec, parameters, data.model)

    return jax.vmap(one)(x)


@jax.jit(static_argnums=0)
def _effects(static: Static, x: Array, data: DensityData) -> tuple[Array, ...]:
    def one(row: Array) -> tuple[Array, ...]:
        return tuple(block.u for block in state(static, row, data)[2])

    return jax.vmap(one)(x)
