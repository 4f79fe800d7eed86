"""The model at one point of the sampler: parameters, sampled effects, what is left to integrate out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.coordinates import Effects, Information, effects
from hmlm.density.data import ModelData
from hmlm.density.integrate import Prior
from hmlm.density.layout import Layout, make_layout
from hmlm.density.linear import coefficients_of, sampled_predictors
from hmlm.density.moments import Moments, row_moments
from hmlm.density.parameters import Parameters, unpack
from hmlm.density.plan import Plan
from hmlm.density.statistics import Statistics, cell_moments
from hmlm.spec.spec import Spec


@dataclass(frozen=True)
class Static:
    """What a compiled program depends on apart from array shapes."""

    spec: Spec
    plan: Plan

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
        information: per block the pilot's information on its sampled effects, None where there are none.
        softplus: (n_scalars,) scales of the map of standard deviations between groups.
        scale: (D,) approximate posterior standard deviations on the unconstrained scale: samplers move in
            units of these, so that no adaptation starts from scales apart by orders of magnitude.
    """

    model: ModelData
    statistics: Statistics | None
    information: tuple[Information | None, ...]
    softplus: Array
    scale: Array


class State(NamedTuple):
    """The model at one point.

    Attributes:
        parameters: on their natural scale.
        log_prior: of the parameters and of the sampled effects, Jacobians included.
        u: per block (Q, J), sampled effects and the conditional means of the others given them.
        moments: what the rows say about the effects that are integrated out.
    """

    parameters: Parameters
    log_prior: Array
    u: list[Array]
    moments: Moments


def parameters_at(static: Static, x: Array, data: DensityData) -> tuple[Parameters, Array]:
    """Parameters at (D,) ``x`` and their log prior."""
    return unpack(static.spec, static.layout, data.softplus, x * data.scale)


def state_at(static: Static, x: Array, data: DensityData) -> State:
    """The model at (D,) ``x``."""
    parameters, log_prior = parameters_at(static, x, data)
    u = []
    for b in range(len(static.spec.blocks)):
        sampled = _sampled_effects(static, b, parameters, x * data.scale, data)
        log_prior = log_prior + sampled.log_density
        u.append(_with_means(static, b, parameters, sampled))
    return State(parameters, log_prior, u, moments_at(static, parameters, u, data))


def moments_at(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Moments:
    """What the rows say about the integrated effects, given parameters and per block (Q, J) other effects."""
    arguments = (static.spec, static.plan, parameters, u)
    if data.statistics is None:
        return row_moments(*arguments, data.model)
    return cell_moments(*arguments, data.statistics)


def _sampled_effects(static: Static, b: int, parameters: Parameters, x: Array, data: DensityData) -> Effects:
    """Effects of the first ``n_sampled`` terms of a block."""
    block, plan = static.spec.blocks[b], static.plan.blocks[b]
    n, levels = plan.n_sampled, static.spec.factors[block.factor].n_levels
    if n == 0:
        nothing = jnp.zeros((0, levels), x.dtype)
        return Effects(nothing, nothing, jnp.zeros((), x.dtype))
    zeta = x[static.layout.effects[b].slice].reshape(n, levels)
    beta = coefficients_of(parameters, sampled_predictors(block, plan))
    return effects(plan.coordinates, zeta, parameters.factor(b)[:n, :n], beta, data.information[b])


def _with_means(static: Static, b: int, parameters: Parameters, sampled: Effects) -> Array:
    """(Q, J): the sampled effects and ``L21 z``, the mean of the others given them."""
    n = static.plan.blocks[b].n_sampled
    return jnp.concatenate([sampled.u, parameters.factor(b)[n:, :n] @ sampled.z])


def prior_of_integrated(static: Static, parameters: Parameters, data: DensityData) -> Prior:
    """The prior of the effects that are integrated out, given the sampled ones."""
    plan = static.plan
    factors = [_integrated_factor(static, parameters, factor) for factor in plan.factors]
    levels = [static.spec.factors[factor].n_levels for factor in plan.factors]
    return Prior(factors, levels, data.model.parents)


def _integrated_factor(static: Static, parameters: Parameters, factor: int) -> Array:
    parts = [
        parameters.factor(b)[plan.n_sampled :, plan.n_sampled :]
        for b, (plan, block) in enumerate(zip(static.plan.blocks, static.spec.blocks, strict=True))
        if block.factor == factor and plan.n_sampled < block.size
    ]
    return jax.scipy.linalg.block_diag(*parts)
