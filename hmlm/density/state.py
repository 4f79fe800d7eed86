"""The model at one point of the sampler: parameters, sampled effects, what is left to integrate out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.backend import Backend
from hmlm.density.coordinates import Coordinates, Effects, Information, effects
from hmlm.density.data import ModelData
from hmlm.density.family_rows import each_family_row
from hmlm.density.integrate import Prior
from hmlm.density.layout import Layout, Span, make_layout
from hmlm.density.level_scales import level_scales, scaled_moments
from hmlm.density.linear import coefficients_of
from hmlm.density.mixing import mixed_levels
from hmlm.density.moments import Moments, only_rows, row_moments
from hmlm.density.parameters import Parameters, pieces, unpack
from hmlm.density.plan import Plan
from hmlm.density.shrinkage import CoefficientInformation
from hmlm.density.statistics import Statistics, cell_moments
from hmlm.kernels.fusing import product
from hmlm.kernels.native.informed import Known, informed
from hmlm.spec.spec import Spec


@dataclass(frozen=True)
class Static:
    """What a compiled program depends on apart from array shapes."""

    spec: Spec
    plan: Plan
    backend: Backend = Backend.XLA

    @cached_property
    def layout(self) -> Layout:
        """Where each parameter stands."""
        return make_layout(self.spec, self.plan)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class DensityData:
    """Arguments of the density.

    Attributes:
        model: the model's arrays.
        statistics: what replaces the rows, None where rows are needed.
        fused: what a fused kernel reads, None where none is used (:mod:`hmlm.density.fused`).
        information: per block the pilot's information on its effects, None where none of them is sampled.
        mixing: per block with a known covariance between levels the (J, J) matrix that makes its effects of
            independent ones (:mod:`hmlm.density.mixing`), else None.
        softplus: (n_scalars,) scales of the map of standard deviations between groups.
        scale: (D,) approximate posterior standard deviations on the unconstrained scale: samplers move in
            units of these, so that no adaptation starts from scales apart by orders of magnitude.
        shrinkage: per predictor, what the pilot knows of coefficients that are shrunk together.
    """

    model: ModelData
    statistics: Statistics | None
    fused: Any
    information: tuple[Information | None, ...]
    mixing: tuple[Array | None, ...]
    softplus: Array
    scale: Array
    shrinkage: tuple[CoefficientInformation | None, ...] = ()


class State(NamedTuple):
    """The model at one point.

    Attributes:
        parameters: on their natural scale.
        log_prior: of the parameters, a scalar, and of every block's sampled effects, (J,), with Jacobians.
        u: per block (Q, J), sampled effects and the conditional means of the others given them.
    """

    parameters: Parameters
    log_prior: list[Array]
    u: list[Array]


def parameters_at(static: Static, x: Array, data: DensityData) -> tuple[Parameters, Array]:
    """Parameters at (D,) ``x`` and their log prior."""
    return _parameters(static, _coordinates(static, x, data)[0], data)


def _coordinates(static: Static, x: Array, data: DensityData) -> list[Array]:
    """Unconstrained population-level parameters, and per block the coordinates of its sampled effects."""
    layout = static.layout
    return pieces(x * data.scale, [Span(0, layout.n_population), *layout.effects])


def _parameters(static: Static, population: Array, data: DensityData) -> tuple[Parameters, Array]:
    return unpack(static.spec, static.layout, data.softplus, population, data.shrinkage)


def state_at(static: Static, x: Array, data: DensityData) -> State:
    """The model at (D,) ``x``."""
    population, *coordinates = _coordinates(static, x, data)
    parameters, of_parameters = _parameters(static, population, data)
    log_prior, u = [of_parameters], []
    for b, zeta in enumerate(coordinates):
        values, log_density = _block_effects(static, b, parameters, zeta, data)
        log_prior.append(log_density)
        u.append(mixed_levels(values, data.mixing[b]))
    return State(parameters, log_prior, u)


def total(parts: list[Array]) -> Array:
    """Sum of all entries of arrays; those of equal shape are added before they are summed."""
    by_shape: dict[tuple[int, ...], Array] = {}
    for part in parts:
        known = by_shape.get(part.shape)
        by_shape[part.shape] = part if known is None else known + part
    return sum(jnp.sum(part) for part in by_shape.values())


def moments_at(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Moments:
    """What the rows say about the integrated effects, given parameters and per block (Q, J) other effects.

    Where standard deviations differ between levels, about the effects over their scales: those that
    :func:`prior_of_integrated` speaks of.
    """
    spec, plan = static.spec, static.plan
    if not spec.normal:
        return only_rows(each_family_row(spec, parameters, u, data.model))
    if data.statistics is None:
        moments = row_moments(spec, plan, parameters, u, data.model)
    else:
        moments = cell_moments(spec, plan, parameters, u, data.statistics)
    return scaled_moments(spec, plan, moments, parameters, data.model)


def _block_effects(
    static: Static, b: int, parameters: Parameters, zeta: Array, data: DensityData
) -> tuple[Array, Array]:
    """A block's (Q, J) effects, sampled or conditional means, and the log density of its coordinates.

    Those of independent pseudo-levels where levels have a known covariance.
    """
    plan, scale = static.plan.blocks[b], level_scales(static.spec, b, parameters, data.model)
    native = static.backend is Backend.NATIVE and plan.n_sampled and plan.coordinates is Coordinates.INFORMED
    if native and scale is None:
        known = data.information[b]
        beta = coefficients_of(parameters, known.predictors, known.constants)
        what = Known(known.precision, known.score, known.cross)
        return informed(zeta.reshape(plan.n_sampled, -1), parameters.factor(b), beta, what)
    sampled = _sampled_effects(static, b, parameters, zeta, scale, data)
    return _with_means(static, b, parameters, sampled, scale), sampled.log_density


def _sampled_effects(
    static: Static, b: int, parameters: Parameters, zeta: Array, scale: Array | None, data: DensityData
) -> Effects:
    """Effects of the first ``n_sampled`` terms of a block."""
    block, plan = static.spec.blocks[b], static.plan.blocks[b]
    n, levels = plan.n_sampled, static.spec.factors[block.factor].n_levels
    if n == 0:
        nothing = jnp.zeros((0, levels), zeta.dtype)
        return Effects(nothing, nothing, jnp.zeros(levels, zeta.dtype))
    known = data.information[b]
    beta = coefficients_of(parameters, known.predictors, known.constants)
    return effects(plan.coordinates, zeta.reshape(n, levels), parameters.factor(b), beta, known, scale)


def _with_means(
    static: Static, b: int, parameters: Parameters, sampled: Effects, scale: Array | None
) -> Array:
    """(Q, J): the sampled effects and ``d L21 z``, the mean of the others given them."""
    n = static.plan.blocks[b].n_sampled
    if n == 0:
        return jnp.zeros((len(parameters.tau[b]), sampled.u.shape[1]), sampled.u.dtype)
    carried = product(split_factor(parameters.factor(b), n).carried, sampled.z)
    return jnp.concatenate([sampled.u, carried if scale is None else carried * scale[n:]])


class SplitFactor(NamedTuple):
    """What ``L`` makes of the integrated effects: [carried, given] for [sampled, integrated] ones."""

    carried: Array
    given: Array


def split_factor(factor: Array, n_sampled: int) -> SplitFactor:
    """The lower blocks of a (Q, Q) factor, its first ``n_sampled`` effects being sampled."""
    sizes = (n_sampled, len(factor) - n_sampled)
    _, bottom = jax.lax.split(factor, sizes, axis=0)
    return SplitFactor(*jax.lax.split(bottom, sizes, axis=1))


def prior_of_integrated(static: Static, parameters: Parameters, data: DensityData) -> Prior:
    """The prior of the effects that are integrated out, given the sampled ones."""
    plan = static.plan
    factors = [_integrated_factor(static, parameters, factor) for factor in plan.factors]
    levels = [static.spec.factors[factor].n_levels for factor in plan.factors]
    return Prior(factors, levels, data.model.parents)


def _integrated_factor(static: Static, parameters: Parameters, factor: int) -> Array:
    parts = [
        split_factor(parameters.factor(b), plan.n_sampled).given
        for b, (plan, block) in enumerate(zip(static.plan.blocks, static.spec.blocks, strict=True))
        if block.factor == factor and plan.n_sampled < block.size
    ]
    return jax.scipy.linalg.block_diag(*parts)
