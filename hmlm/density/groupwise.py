"""The log likelihood of whole groups, their effects integrated out.

A level that is left out takes along its own effects and those of all levels nested in it. They are integrated
out of the likelihood of its rows: those that enter a Gaussian mean linearly exactly, those on a scale by
importance sampling from their informed coordinates:

    p(y_j | theta, v) = mean_k p(y_j | L z_k, theta, v) N(z_k; 0, I) / N(z_k; m_j, P_j^-1)

The effects v of other factors, crossed with this one or coarser, also bear on other groups' rows. They are
drawn from the posterior as the parameters are, so that 1 / p(y_j | theta, v) weighs a draw of both towards
the posterior without group j.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.coordinates import Coordinates, Information, Proposal, propose, scaled
from hmlm.density.data import centred_as, make_data
from hmlm.density.draws import NamedDraws
from hmlm.density.integrate import log_integral_by_level
from hmlm.density.level_scales import level_scales, scaled_moments
from hmlm.density.linear import coefficients_of
from hmlm.density.log_density import LogDensity
from hmlm.density.moments import row_moments
from hmlm.density.named import parameters_of
from hmlm.density.parameters import Parameters
from hmlm.density.plan import BlockPlan, Plan, n_scale_terms
from hmlm.density.pointwise import each_row
from hmlm.density.precision import double_precision
from hmlm.density.state import DensityData, Static, prior_of_integrated
from hmlm.kernels.segments import Segments, make_segments
from hmlm.spec.spec import Spec, without_levels
from hmlm.types import Design, HmlmError


@dataclass(frozen=True)
class LeftOut:
    """What a compiled program depends on.

    Attributes:
        static: the model under the plan that integrates out what a level takes along.
        factor: the factor whose levels are left out.
        n_samples: importance samples.
    """

    static: Static
    factor: int
    n_samples: int

    def takes(self, b: int) -> bool:
        """Whether a level takes the effects of block ``b`` along."""
        return _inside(self.static.spec, self.static.spec.blocks[b].factor, self.factor)

    @property
    def alone(self) -> bool:
        """Whether a level takes along every effect that its rows have."""
        return all(self.takes(b) for b in range(len(self.static.spec.blocks)))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LeftOutData:
    """Arrays: of the rows sorted for the elimination, and per factor its levels by level of the one left out
    (None for that one, and for factors that are not nested in it)."""

    data: DensityData
    up: tuple[Segments | None, ...]


def group_log_likelihood(
    density: LogDensity,
    design: Design,
    group: str,
    draws: NamedDraws,
    seed: int,
    n_samples: int,
    information: tuple[Information | None, ...] | None = None,
) -> np.ndarray:
    """Log density of all rows of every level of a factor, the effects that it takes along integrated out.

    Args:
        density: the model.
        design: the rows that the model was fitted to, or others of the same columns and levels.
        group: name of the factor.
        draws: of their effects those of other factors count, and are made only where there are such.
        seed: of the importance samples.
        n_samples: importance samples per draw, where effects on a scale are sampled.
        information: what these rows say about those effects; None is what the model's own rows say.

    Returns:
        (..., J), zero for levels without rows.

    Raises:
        HmlmError: factors nested in this one that are not nested in each other, or levels whose effects
            depend on those of others.
    """
    with double_precision():
        left_out, arrays = _leave_out(density, design, group, n_samples, information)
        effects = () if left_out.alone else draws.effects()
        groups = _groups(left_out, draws.parameters(), effects, draws.keys(seed), arrays)
    return np.asarray(groups).reshape(*draws.shape, -1)


def _leave_out(
    density: LogDensity,
    design: Design,
    group: str,
    n_samples: int,
    information: tuple[Information | None, ...] | None,
) -> tuple[LeftOut, LeftOutData]:
    """The program and its arrays; arguments as :func:`group_log_likelihood`."""
    f = [factor.name for factor in density.spec.factors].index(group)
    plan = _plan(density.spec, f)
    exact = all(
        part.n_sampled == 0 or not _inside(density.spec, block.factor, f)
        for part, block in zip(plan.blocks, density.spec.blocks, strict=True)
    )
    static = Static(without_levels(density.spec), plan)
    model = centred_as(make_data(density.spec, design, plan)[0], density.data.model)
    known = density.data.information if information is None else information
    data = replace(density.data, model=model, statistics=None, fused=None, information=known)
    arrays = LeftOutData(data, _ups(density.spec, design, f))
    return LeftOut(static, f, 1 if exact else n_samples), arrays


def _plan(spec: Spec, f: int) -> Plan:
    """Effects on means of a factor and of those nested in it are integrated out, other factors' known."""
    inner = [g for g in range(len(spec.factors)) if g != f and _inside(spec, g, f)]
    chain = (*sorted(inner, key=lambda g: -spec.factors[g].n_levels), f)
    _check_chain(spec, chain)
    _check_series(spec, chain)
    _check_known(spec, chain)
    _check_memberships(spec, f)
    sizes = [n_scale_terms(spec, b) if b.factor in chain else b.size for b in spec.blocks]
    left = {b.factor for b, n in zip(spec.blocks, sizes, strict=True) if n < b.size}
    factors = tuple(g for g in chain if g in left)
    return Plan(tuple(BlockPlan(Coordinates.INFORMED, n) for n in sizes), factors, len(factors) > 1)


def _inside(spec: Spec, g: int, f: int) -> bool:
    """Whether every level of factor ``g`` lies in one of factor ``f``."""
    return g == f or f in spec.factors[g].within


def _check_chain(spec: Spec, chain: tuple[int, ...]) -> None:
    for fine, coarse in pairwise(chain):
        if not _inside(spec, fine, coarse):
            a, b, f = (spec.factors[g].name for g in (fine, coarse, chain[-1]))
            raise HmlmError(
                f"'{a}' and '{b}' both lie within '{f}' but not within each other, so that their "
                f"effects cannot be integrated out together; leave out levels of '{a}' or '{b}', or rows"
            )


def _check_memberships(spec: Spec, f: int) -> None:
    if spec.factors[f].multiple:
        raise HmlmError(
            f"rows belong to several levels of '{spec.factors[f].name}', so that none can be left out "
            "with rows of its own; leave out rows"
        )


def _check_known(spec: Spec, chain: tuple[int, ...]) -> None:
    for block in spec.blocks:
        if block.known is not None and block.factor in chain:
            raise HmlmError(
                f"the levels of '{spec.factors[block.factor].name}' depend on each other by the known "
                f"covariance '{block.known.name}', so that no likelihood is of one alone; leave out rows"
            )


def _check_series(spec: Spec, chain: tuple[int, ...]) -> None:
    for g in chain:
        if spec.autocor is not None and g not in spec.autocor.within:
            raise HmlmError(
                f"a series of {spec.autocor.term} has rows of several levels of '{spec.factors[g].name}', "
                "whose likelihoods are not apart; take rows, or a factor whose levels hold whole series"
            )


def _ups(spec: Spec, design: Design, f: int) -> tuple[Segments | None, ...]:
    return tuple(
        _up(spec, design, g, f) if g != f and _inside(spec, g, f) else None for g in range(len(spec.factors))
    )


def _up(spec: Spec, design: Design, fine: int, coarse: int) -> Segments:
    parent = np.zeros(spec.factors[fine].n_levels, int)
    parent[design.factors[fine].index] = design.factors[coarse].index
    return make_segments(parent, spec.factors[coarse].n_levels)


@jax.jit(static_argnums=0)
def _groups(
    left_out: LeftOut, draws: Array, effects: tuple[Array, ...], keys: Array, arrays: LeftOutData
) -> Array:
    def one(arguments: tuple[Array, tuple[Array, ...], Array]) -> Array:
        row, known, key = arguments
        parameters = parameters_of(left_out.static.spec, row, arrays.data.model)
        return _of_draw(left_out, parameters, known, key, arrays)

    return jax.lax.map(one, (draws, effects, keys))


def _of_draw(
    left_out: LeftOut, parameters: Parameters, known: tuple[Array, ...], key: Array, arrays: LeftOutData
) -> Array:
    """(J,) log likelihoods at one draw; ``known``: (Q, J) effects by block, of which other factors' count."""
    sample = lambda k: _weighted(left_out, parameters, known, k, arrays)  # noqa: E731
    logs = jax.lax.map(sample, jax.random.split(key, left_out.n_samples))
    return jax.scipy.special.logsumexp(logs, axis=0) - jnp.log(float(left_out.n_samples))


def _weighted(
    left_out: LeftOut, parameters: Parameters, known: tuple[Array, ...], key: Array, arrays: LeftOutData
) -> Array:
    """(J,) log of likelihood times weight at one draw of the sampled effects."""
    u, weights = [], []
    for b, block in enumerate(left_out.static.spec.blocks):
        if not left_out.takes(b):
            u.append(known[b])
            continue
        proposal = _proposal(left_out.static, parameters, b, jax.random.fold_in(key, b), arrays.data)
        n = left_out.static.plan.blocks[b].n_sampled
        scale = level_scales(left_out.static.spec, b, parameters, arrays.data.model)
        u.append(scaled(parameters.factor(b)[:, :n] @ proposal.z, scale))
        weights.append(_carried(proposal.log_weight, block.factor, arrays))
    return sum(weights) + _by_group(left_out, parameters, u, arrays)


def _proposal(static: Static, parameters: Parameters, b: int, key: Array, data: DensityData) -> Proposal:
    block, plan = static.spec.blocks[b], static.plan.blocks[b]
    n, levels = plan.n_sampled, static.spec.factors[block.factor].n_levels
    if n == 0:
        return Proposal(jnp.zeros((0, levels)), jnp.zeros(levels))
    known, scale = data.information[b], level_scales(static.spec, b, parameters, data.model)
    beta = coefficients_of(parameters, known.predictors, known.constants)
    return propose(jax.random.normal(key, (n, levels)), parameters.factor(b), beta, known, scale)


def _by_group(left_out: LeftOut, parameters: Parameters, u: list[Array], arrays: LeftOutData) -> Array:
    """(J,) log likelihood given these effects, the others that a level takes along integrated out."""
    static, model = left_out.static, arrays.data.model
    inside = model.columns[0] > 0
    logs = model.groups[left_out.factor].reduce(
        jnp.where(inside, each_row(static.spec, parameters, u, model), 0.0)
    )
    if not static.plan.factors:
        return logs
    moments = row_moments(static.spec, static.plan, parameters, u, model)
    moments = scaled_moments(static.spec, static.plan, moments, parameters, model)
    integral = log_integral_by_level(moments, prior_of_integrated(static, parameters, arrays.data))
    return logs + _carried(integral, static.plan.factors[-1], arrays)


def _carried(values: Array, factor: int, arrays: LeftOutData) -> Array:
    """(J,) sums by level of the factor left out of values by level of one nested in it."""
    up = arrays.up[factor]
    return values if up is None else up.reduce(values)
