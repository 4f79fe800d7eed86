"""Population-level parameters under the names that users read."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.monotonic import named_of
from hmlm.density.parameters import Parameters
from hmlm.spec.names import (
    constant_names,
    cor_names,
    cortime_names,
    intercept_name,
    named_coefficients,
    rescor_names,
    sd_coefficient_names,
    sd_names,
    sds_names,
    shrinkage_names,
)
from hmlm.spec.spec import Spec


def constrained_names(spec: Spec) -> tuple[str, ...]:
    """Draws' names in the order of :func:`constrained_values`."""
    names: list[str] = []
    for p, predictor in enumerate(spec.predictors):
        names.extend([] if predictor.intercept is None else [intercept_name(spec, p)])
        names.extend(named_coefficients(spec, p))
    names.extend(constant_names(spec))
    for block in spec.blocks:
        names.extend(sd_names(spec, block))
        names.extend(name for name, _, _ in cor_names(spec, block))
    names.extend(name for name, _, _ in (*rescor_names(spec), *cortime_names(spec)))
    names.extend(name for s in range(len(spec.sds)) for name in sd_coefficient_names(spec, s))
    names.extend(sds_names(spec))
    names.extend(name for p in range(len(spec.predictors)) for name in shrinkage_names(spec, p))
    return tuple(names)


def constrained_values(spec: Spec, parameters: Parameters, data: ModelData) -> Array:
    """Population-level parameters; intercepts are those of uncentred columns."""
    parts = [_coefficients(spec, parameters, data, p) for p in range(len(spec.predictors))]
    parts.extend(parameters.constants[c.dpar][c.response][None] for c in spec.scalars)
    shift = centering(spec, parameters, data)
    parts.extend((parameters.constants[c.dpar][c.response] + shift)[None] for c in spec.thresholds)
    for b, block in enumerate(spec.blocks):
        order = jnp.array(block.order)
        parts.append(parameters.tau[b][order])
        if block.correlated:
            parts.append(_correlations(parameters.correlation[b][order]))
    if parameters.rescor is not None:
        parts.append(_correlations(parameters.rescor))
    if parameters.cortime is not None:
        parts.append(_correlations(parameters.cortime))
    parts.extend(parameters.gamma)
    parts.extend(value[None] for value in parameters.sds)
    parts.extend(parameters.shrinkage)
    return jnp.concatenate(parts)


def centering(spec: Spec, parameters: Parameters, data: ModelData) -> Array:
    """What thresholds between levels gain where columns are not centred."""
    return sum(
        data.population[p].means @ parameters.b[p]
        for p, predictor in enumerate(spec.predictors)
        if predictor.dpar == "mu"
    )


def _coefficients(spec: Spec, parameters: Parameters, data: ModelData, p: int) -> Array:
    intercept, b = parameters.intercept[p], parameters.b[p]
    named = named_of(spec.predictors[p], b)
    if intercept is None:
        return named
    return jnp.concatenate([(intercept - data.population[p].means @ b)[None], named])


def _correlations(factor: Array) -> Array:
    matrix = factor @ factor.T
    return jnp.stack([matrix[i, j] for j in range(1, len(matrix)) for i in range(j)])
