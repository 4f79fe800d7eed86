"""The map T from sampling coordinates to the NumPyro program's sites, its Jacobian, and the program there.

Everything here starts from what users see, population-level draws and group effects, and goes on in NumPy:
nothing of the fast density's algebra is assumed. The Jacobian is by finite differences.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.util import log_density as numpyro_log_density

import hmlm as hm
from hmlm.density.constrained import constrained_values
from hmlm.density.log_density import LogDensity
from hmlm.density.state import DensityData, Static, state_at
from hmlm.spec.names import (
    coefficient_names,
    cor_names,
    cortime_names,
    intercept_name,
    monotonic_names,
    rescor_names,
    sd_coefficient_names,
    sd_names,
    smooth_names,
    threshold_names,
)
from hmlm.spec.spec import Block

from ..helpers import stated

Sites = dict[str, np.ndarray]
Draws = dict[str, np.ndarray]
FAST_COMPILE = {"xla_backend_optimization_level": 0}
STEP = 0.01
# First derivative to sixth order in the step.
STENCIL = {-3: -1 / 60, -2: 3 / 20, -1: -3 / 4, 1: 3 / 4, 2: -3 / 20, 3: 1 / 60}


@jax.jit(static_argnums=0, compiler_options=FAST_COMPILE)
def _draws_and_effects(static: Static, x: Array, data: DensityData) -> tuple[Array, list[Array]]:
    def one(row: Array) -> tuple[Array, list[Array]]:
        state = state_at(static, row, data)
        values = constrained_values(static.spec, state.parameters, data.model)
        return values, [u.T for u in state.u]

    return jax.vmap(one)(x)


def draws_and_effects(density: LogDensity, x: np.ndarray) -> tuple[Draws, list[np.ndarray]]:
    """What ``constrain`` and ``effects`` return at (S, D) ``x``, compiled together and quickly."""
    with jax.enable_x64(True):
        values, effects = _draws_and_effects(density.static, jnp.asarray(x), density.data)
    return dict(zip(density.names, np.asarray(values).T, strict=True)), [np.asarray(u) for u in effects]


def program_sites(model: hm.Model, draws: Draws, effects: list[np.ndarray]) -> Sites:
    """The program's sites for S draws, each with a leading axis S."""
    sites = {
        name: values for name, values in draws.items() if not name.startswith(("cor_", "rescor_", "cortime_"))
    }
    _center_intercepts(model, draws, sites)
    _stack_thresholds(model, draws, sites)
    _stack_simplexes(model, sites)
    _standardise_smooths(model, sites)
    for p in range(len(model.spec.predictors)):
        _standardise_shrunk(model, p, draws, sites)
    for b, (block, u) in enumerate(zip(model.spec.blocks, effects, strict=True)):
        correlation = _block_factor(model, block, draws)
        if block.cor is not None:
            sites[f"L_{block.name}"] = correlation
        if block.structure is not None:
            _keep_one_sd(model, block, sites)
            sites[f"rho_{block.name}"] = draws[cor_names(model.spec, block)[0][0]]
        brms_tau = np.stack([draws[name] for name in sd_names(model.spec, block)], axis=-1)
        factor = brms_tau[:, np.argsort(block.order), None] * correlation
        shared = u / level_scales(model, b, draws)
        if block.known is not None:
            shared = np.linalg.solve(np.linalg.cholesky(model.model_kwargs["cov"][block.name]), shared)
        sites[f"z_{block.name}"] = np.linalg.solve(factor, shared.swapaxes(1, 2)).swapaxes(1, 2)
    if model.spec.rescor is not None:
        pairs = rescor_names(model.spec)
        sites["L_rescor"] = np.linalg.cholesky(_matrix(draws, pairs, len(model.spec.outcomes)))
    if model.spec.cortime is not None:
        pairs = cortime_names(model.spec)
        sites["L_cortime"] = np.linalg.cholesky(_matrix(draws, pairs, len(model.spec.times)))
    return sites


def _center_intercepts(model: hm.Model, draws: Draws, sites: Sites) -> None:
    """The program samples the intercept of centred columns."""
    for p, predictor in enumerate(model.spec.predictors):
        if predictor.centered and predictor.intercept is not None:
            name = intercept_name(model.spec, p)
            means = model.design.predictors[p].population.matrix.mean(0)[: len(predictor.names)]
            slopes = np.stack([draws[slope] for slope in coefficient_names(model.spec, p)])
            means[len(means) - len(predictor.smooths) :] = 0.0
            sites[f"centered_{name}"] = sites.pop(name) + means @ slopes


def level_scales(model: hm.Model, b: int, draws: Draws) -> np.ndarray:
    """(S, J, Q) ratios of a block's standard deviations in each level to those that draws name."""
    block, n_draws = model.spec.blocks[b], len(next(iter(draws.values())))
    out = np.ones((n_draws, model.spec.factors[block.factor].n_levels, block.size))
    for s, part in enumerate(model.design.sds):
        gamma = np.stack([draws[name] for name in sd_coefficient_names(model.spec, s)], axis=1)
        centred = part.matrix - (part.matrix.mean(0) if part.centered else 0.0)
        for q, term in enumerate(block.terms):
            if (term.predictor, term.group, term.column) in part.coefficients:
                out[:, :, q] = np.exp(gamma @ centred.T)
    return out


def _standardise_shrunk(model: hm.Model, p: int, draws: Draws, sites: Sites) -> None:
    """The program samples shrunk coefficients as ``zb``, and what their prior is made of as vectors."""
    predictor = model.spec.predictors[p]
    if predictor.shrinkage is None:
        return
    end = f"_{predictor.prefix}" if predictor.prefix else ""
    for name in ("hs_local", "R2D2_phi"):
        many = [key for key in sites if key.startswith(f"{name}{end}[")]
        if many:
            sites[name + end] = np.stack([sites.pop(key) for key in many], axis=-1)
    outcome = f"_{model.spec.outcomes[predictor.response]}" if model.spec.multivariate else ""
    sigma = draws[f"sigma{outcome}"] if predictor.shrinkage.by_sigma else 1.0
    if f"hs_global{end}" in sites:
        tau, slab = (sites[f"hs_{name}{end}"][:, None] for name in ("global", "slab"))
        c2 = predictor.shrinkage.args[3] ** 2 * slab
        scales = tau * sites[f"hs_local{end}"] * np.sqrt(c2 / (c2 + (tau * sites[f"hs_local{end}"]) ** 2))
    else:
        r2 = sites[f"R2D2_R2{end}"]
        scales = np.sqrt(sigma**2 * r2 / (1 - r2))[:, None] * np.sqrt(sites[f"R2D2_phi{end}"])
    names = [coefficient_names(model.spec, p)[k] for k in predictor.shrinkage.columns]
    sites[f"zb{end}"] = np.stack([sites.pop(name) for name in names], axis=-1) / scales


def _stack_thresholds(model: hm.Model, draws: Draws, sites: Sites) -> None:
    """The program samples thresholds as one vector, for columns that may be centred."""
    names = threshold_names(model.spec)
    if not names:
        return
    p = next(i for i, one in enumerate(model.spec.predictors) if one.dpar == "mu")
    values = np.stack([sites.pop(name) for name in names], axis=-1)
    if model.spec.predictors[p].centered:
        slopes = np.stack([draws[slope] for slope in coefficient_names(model.spec, p)])
        means = model.design.predictors[p].population.matrix.mean(0)[: len(slopes)]
        values = values - (means @ slopes)[:, None]
    sites["centered_b_Intercept" if model.spec.predictors[p].centered else "b_Intercept"] = values


def _stack_simplexes(model: hm.Model, sites: Sites) -> None:
    """The program samples the steps of a monotonic effect as one vector."""
    for p in range(len(model.spec.predictors)):
        for _, simplex in monotonic_names(model.spec, p):
            site = simplex[0].removesuffix("[1]")
            sites[site] = np.stack([sites.pop(name) for name in simplex], axis=-1)


def _standardise_smooths(model: hm.Model, sites: Sites) -> None:
    """The program samples wiggly coefficients as one standard normal vector."""
    for p in range(len(model.spec.predictors)):
        for sds, wiggly in smooth_names(model.spec, p):
            values = np.stack([sites.pop(name) for name in wiggly], axis=-1)
            sites["z" + wiggly[0].removesuffix("[1]")] = values / sites[sds][:, None]


def _keep_one_sd(model: hm.Model, block: Block, sites: Sites) -> None:
    """The program samples one standard deviation of a homogeneous block; draws name it for each term."""
    for name in sd_names(model.spec, block)[block.n_sd :]:
        del sites[name]


def _block_factor(model: hm.Model, block: Block, draws: Draws) -> np.ndarray:
    """(S, Q, Q) Cholesky factor of R, from brms's order of coefficients to that of the block's terms."""
    if not block.correlated:
        return np.eye(block.size)[None]
    place = np.argsort(block.order)
    matrix = _matrix(draws, cor_names(model.spec, block), block.size)
    return np.linalg.cholesky(matrix[:, place][:, :, place])


def _matrix(draws: Draws, pairs: tuple[tuple[str, int, int], ...], size: int) -> np.ndarray:
    """(S, Q, Q) correlation matrices from the draws of their entries."""
    matrix = np.tile(np.eye(size), (len(draws[pairs[0][0]]), 1, 1))
    for name, i, j in pairs:
        matrix[:, i, j] = matrix[:, j, i] = draws[name]
    return matrix


def free_values(sites: Sites) -> np.ndarray:
    """(S, D) free values of the sites: without the upper triangles of factors and the last of a simplex."""
    columns = []
    for name, values in sites.items():
        if name.startswith("L_"):
            rows, cols = np.tril_indices(values.shape[-1], -1)
            values = values[:, rows, cols]
        if name.startswith(("simo_", "R2D2_phi")):
            values = values[:, :-1]
        columns.append(values.reshape(len(values), -1))
    return np.concatenate(columns, axis=1)


def sites_and_log_det(model: hm.Model, density: LogDensity, x: np.ndarray) -> tuple[Sites, np.ndarray]:
    """The sites at (S, D) ``x`` and the (S,) ``log |det dT|`` over their free values."""
    steps = np.array(list(STENCIL))[:, None, None] * STEP * np.eye(density.size)
    near = (x[:, None, None] + steps).reshape(-1, density.size)
    sites = program_sites(model, *draws_and_effects(density, np.concatenate([x, near])))
    values = free_values(sites)[len(x) :]
    assert values.shape == near.shape
    values = values.reshape(len(x), len(STENCIL), density.size, density.size)
    jacobian = np.einsum("k,skio->soi", list(STENCIL.values()), values) / STEP
    return {name: values[: len(x)] for name, values in sites.items()}, np.linalg.slogdet(jacobian)[1]


@cache
def program_log_density(name: str) -> Callable[[Sites], np.ndarray]:
    """The log density of a design's NumPyro program: sites with a leading axis S -> (S,)."""
    model = stated(name)

    def one(sites: dict[str, Array]) -> Array:
        return numpyro_log_density(model.numpyro_model, (), model.model_kwargs, sites)[0]

    compiled = jax.jit(jax.vmap(one), compiler_options=FAST_COMPILE)

    def evaluate(sites: Sites) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(compiled(sites))

    return evaluate
