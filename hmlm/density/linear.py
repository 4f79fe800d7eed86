"""Linear predictors and residuals from parameters and group effects."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.parameters import Parameters
from hmlm.kernels.segments import expand
from hmlm.spec.spec import Spec


def block_coefficients(spec: Spec, block: int, parameters: Parameters) -> Array:
    """(P,) population-level coefficients of the predictors that a block enters, in predictor order."""
    parts = []
    for p in block_predictors(spec, block):
        intercept = parameters.intercept[p]
        parts.extend([] if intercept is None else [intercept[None]])
        parts.append(parameters.b[p])
    return jnp.concatenate(parts)


def block_predictors(spec: Spec, block: int) -> tuple[int, ...]:
    """Indices of the predictors that a block enters, ascending."""
    return tuple(sorted({term.predictor for term in spec.blocks[block].terms}))


def linear_predictors(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> list[Array]:
    """Per predictor the (N,) linear predictor."""
    eta = [_population(parameters, data, p) for p in range(len(spec.predictors))]
    for block, values, columns in zip(spec.blocks, u, data.varying, strict=True):
        rows = expand(data.segments[block.factor], values) * columns
        for q, term in enumerate(block.terms):
            eta[term.predictor] = eta[term.predictor] + rows[q]
    return eta


def _population(parameters: Parameters, data: ModelData, p: int) -> Array:
    columns = data.columns[p]
    eta = jnp.einsum("k,kn->n", parameters.b[p], columns, precision="highest")
    intercept = parameters.intercept[p]
    return eta if intercept is None else eta + intercept


def residuals(spec: Spec, parameters: Parameters, eta: list[Array], data: ModelData) -> tuple[Array, Array]:
    """(M, N) residuals and (M, N) or (M, 1) log standard deviations."""
    mean, log_sigma = [], []
    for m in range(len(spec.outcomes)):
        parts = {p.dpar: eta[i] for i, p in enumerate(spec.predictors) if p.response == m}
        mean.append(parts["mu"])
        sigma = parameters.sigma[m]
        log_sigma.append(parts["sigma"] if sigma is None else jnp.log(sigma)[None])
    n_rows = data.outcomes.shape[1]
    if len({part.shape for part in log_sigma}) > 1:
        log_sigma = [jnp.broadcast_to(part, (n_rows,)) for part in log_sigma]
    return data.outcomes - jnp.stack(mean), jnp.stack(log_sigma)
