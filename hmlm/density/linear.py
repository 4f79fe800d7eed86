"""Linear predictors and residuals from parameters and group effects."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.parameters import Parameters
from hmlm.density.plan import BlockPlan
from hmlm.kernels.segments import expand
from hmlm.spec.spec import Block, Spec


def coefficients_of(parameters: Parameters, predictors: tuple[int, ...]) -> Array:
    """(P,) population-level coefficients of these predictors, each with its intercept first."""
    parts = []
    for p in predictors:
        intercept = parameters.intercept[p]
        parts.extend([] if intercept is None else [intercept[None]])
        parts.append(parameters.b[p])
    return jnp.concatenate(parts)


def sampled_predictors(block: Block, plan: BlockPlan) -> tuple[int, ...]:
    """Indices of the predictors that a block's sampled effects enter, ascending."""
    return tuple(sorted({term.predictor for term in block.terms[: plan.n_sampled]}))


def linear_predictor(spec: Spec, p: int, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(N,) linear predictor, ``u`` being the (Q, J) effects of every block."""
    eta = _population(parameters, data, p)
    for b, block in enumerate(spec.blocks):
        own = [q for q, term in enumerate(block.terms) if term.predictor == p]
        if own:
            values = jnp.stack([u[b][q] for q in own])
            columns = jnp.stack([data.varying[b][q] for q in own])
            eta = eta + jnp.sum(expand(data.segments[block.factor], values) * columns, axis=0)
    return eta


def _population(parameters: Parameters, data: ModelData, p: int) -> Array:
    columns = data.columns[p]
    eta = jnp.einsum("k,kn->n", parameters.b[p], columns, precision="highest")
    intercept = parameters.intercept[p]
    return eta if intercept is None else eta + intercept


def predictor_of(spec: Spec, response: int, dpar: str) -> int | None:
    """Index of a predictor, None where the parameter has no formula."""
    found = [i for i, p in enumerate(spec.predictors) if (p.response, p.dpar) == (response, dpar)]
    return found[0] if found else None


def residuals(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(M, N) outcomes minus means."""
    mean = [
        linear_predictor(spec, predictor_of(spec, m, "mu"), parameters, u, data)
        for m in range(len(spec.outcomes))
    ]
    return data.outcomes - jnp.stack(mean)


def log_sigmas(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(M, N) log standard deviations of the rows of ``data``, (M, 1) where all are constant."""
    parts = []
    for m, sigma in enumerate(parameters.sigma):
        p = predictor_of(spec, m, "sigma")
        if p is None:
            parts.append(jnp.log(sigma)[None])
        else:
            parts.append(linear_predictor(spec, p, parameters, u, data))
    return jnp.stack(jnp.broadcast_arrays(*parts))
