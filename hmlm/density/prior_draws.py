"""Draws from the prior: the NumPyro program run forward, its sites under the names that users read."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import handlers

from hmlm.density.constrained import constrained_names
from hmlm.density.data import column_means
from hmlm.density.linear import predictor_of
from hmlm.density.precision import double_precision
from hmlm.density.program import make_program, program_arguments
from hmlm.spec.names import (
    coefficient_names,
    cor_names,
    cortime_names,
    intercept_name,
    monotonic_names,
    rescor_names,
    shrinkage_name,
    shrinkage_names,
    smooth_names,
    threshold_names,
    vector_name,
)
from hmlm.spec.scalars import check_proper
from hmlm.spec.spec import Spec, without_levels
from hmlm.types import Design

DRAWS_AT_A_TIME = 256
ORDER = ("previous", "series", "place")  # arguments of the program that are read while it is traced
Order = tuple[tuple[str, str, tuple[int, ...]], ...]
Sites = Mapping[str, np.ndarray]


def prior_parameters(spec: Spec, design: Design, n_draws: int, seed: int) -> dict[str, np.ndarray]:
    """Population-level parameters by draws' names, each (S,); intercepts are those of uncentred columns.

    Raises:
        PriorError: a flat prior.
    """
    check_proper(spec)
    outcomes = {*spec.outcomes, "y"}
    effects = {f"{letter}_{block.name}" for block in spec.blocks for letter in "uz"}
    sites = _sites(spec, design, n_draws, seed, tuple(sorted(outcomes | effects)))
    named = dict(sites) | _intercepts(spec, design, sites) | _correlations(spec, sites)
    named |= _thresholds(spec, design, sites) | _vectors(spec, sites) | _shrinkage(spec, sites)
    return {name: named[name] for name in constrained_names(spec)}


def prior_effects(spec: Spec, design: Design, n_draws: int, seed: int) -> tuple[np.ndarray, ...]:
    """Per block (S, J, Q) group effects in the order of its terms, of the draws of the same seed."""
    names = [f"u_{block.name}" for block in spec.blocks]
    sites = _sites(spec, design, n_draws, seed, tuple(spec.outcomes))
    return tuple(sites[name] for name in names)


def _sites(spec: Spec, design: Design, n_draws: int, seed: int, left_out: tuple[str, ...]) -> Sites:
    """Sites of the program, each with a leading axis S, but those left out, which cost nothing."""
    arguments = {name: value for name, value in program_arguments(spec, design).items() if name != "y"}
    order = tuple(
        (name, outcome, tuple(values.tolist()))
        for name in ORDER
        for outcome, values in arguments.pop(name, {}).items()
    )
    with double_precision():
        keys = jax.random.split(jax.random.key(seed), n_draws)
        whole = jnp.pad(keys, (0, -n_draws % DRAWS_AT_A_TIME), mode="edge")
        sites = _run(without_levels(spec), left_out, order, whole, arguments)
    return {name: np.asarray(values)[:n_draws] for name, values in sites.items()}


@jax.jit(static_argnums=(0, 1, 2))
def _run(
    spec: Spec, left_out: tuple[str, ...], order: Order, keys: Array, arguments: Mapping
) -> dict[str, Array]:
    program = make_program(spec)
    for name, outcome, values in order:
        arguments = {**arguments, name: {outcome: np.array(values)}}

    def one(key: Array) -> dict[str, Array]:
        trace = handlers.trace(handlers.seed(program, key)).get_trace(**arguments)
        sampled = {name: site["value"] for name, site in trace.items() if site["type"] != "plate"}
        return {name: value for name, value in sampled.items() if name not in left_out}

    return jax.lax.map(one, keys, batch_size=DRAWS_AT_A_TIME)


def _intercepts(spec: Spec, design: Design, sites: Sites) -> dict[str, np.ndarray]:
    """Of the uncentred columns, where the program samples those of centred ones."""
    means, out = column_means(spec, design), {}
    for p, predictor in enumerate(spec.predictors):
        if predictor.intercept is not None and predictor.centered:
            name = intercept_name(spec, p)
            slopes = np.stack([sites[slope] for slope in coefficient_names(spec, p)], axis=-1)
            out[name] = sites[f"centered_{name}"] - slopes @ means[p][: len(predictor.names)]
    return out


def _thresholds(spec: Spec, design: Design, sites: Sites) -> dict[str, np.ndarray]:
    """Of the uncentred columns, where the program samples them as one vector."""
    names = threshold_names(spec)
    if not names:
        return {}
    p = predictor_of(spec, 0, "mu")
    if not spec.predictors[p].centered:
        return dict(zip(names, sites["b_Intercept"].T, strict=True))
    slopes = np.stack([sites[slope] for slope in coefficient_names(spec, p)], axis=-1)
    shift = slopes @ column_means(spec, design)[p][: slopes.shape[-1]]
    return dict(zip(names, sites["centered_b_Intercept"].T + shift, strict=True))


def _vectors(spec: Spec, sites: Sites) -> dict[str, np.ndarray]:
    """Steps and wiggly coefficients one by one, which the program has as vectors."""
    predictors = range(len(spec.predictors))
    effects = [part for p in predictors for part in (*monotonic_names(spec, p), *smooth_names(spec, p))]
    named = ((names, sites[vector_name(names)]) for _, names in effects)
    return {name: values[:, k] for names, values in named for k, name in enumerate(names)}


def _shrinkage(spec: Spec, sites: Sites) -> dict[str, np.ndarray]:
    """What shrinkage priors are made of, coefficient by coefficient."""
    out = {}
    for p, predictor in enumerate(spec.predictors):
        made_of = predictor.shrinkage.names if predictor.shrinkage else ()
        columns = [sites[shrinkage_name(spec, p, name)] for name in made_of]
        values = [column for many in columns for column in np.atleast_2d(many.T)]
        out |= dict(zip(shrinkage_names(spec, p), values, strict=True))
    return out


def _correlations(spec: Spec, sites: Sites) -> dict[str, np.ndarray]:
    out = {}
    for block in spec.blocks:
        for name, i, j in cor_names(spec, block):
            out[name] = _entry(sites[f"L_{block.name}"], block.order[i], block.order[j])
    for name, i, j in rescor_names(spec):
        out[name] = _entry(sites["L_rescor"], i, j)
    for name, i, j in cortime_names(spec):
        out[name] = _entry(sites["L_cortime"], i, j)
    return out


def _entry(factor: np.ndarray, i: int, j: int) -> np.ndarray:
    """(S,) entry of the matrices ``L L'``."""
    return np.einsum("sk,sk->s", factor[:, i], factor[:, j])
