"""What the rows say about the effects that are integrated out: a quadratic form per group.

    log p(y_j | u_j) = log_rows_j - u_j'F_j u_j / 2 + g_j'u_j

with F = Z'WZ and g = Z'Wr, W the inverse covariance of a row's outcomes and r its residual without u.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.linear import log_sigmas, residuals
from hmlm.density.parameters import Parameters
from hmlm.density.plan import Plan
from hmlm.kernels.gaussian import gaussian_rows
from hmlm.kernels.segments import reduce
from hmlm.spec.spec import Spec


class Moments(NamedTuple):
    """Log density of the rows at u = 0 summed over groups, F (Q, Q, J) and g (Q, J)."""

    log_rows: Array
    precision: Array
    score: Array


def outcomes_of(spec: Spec, plan: Plan) -> tuple[int, ...]:
    """Outcome of every coefficient that is integrated out."""
    terms = [spec.blocks[b].terms[q] for b, q in plan.integrated(spec)]
    return tuple(spec.predictors[term.predictor].response for term in terms)


def row_moments(spec: Spec, plan: Plan, parameters: Parameters, u: list[Array], data: ModelData) -> Moments:
    """Moments summed over rows.

    Args:
        u: per block (Q, J) effects that are sampled, and the conditional means of the others.
    """
    residual = residuals(spec, parameters, u, data)
    log_sigma = log_sigmas(spec, parameters, u, data)
    log_rows = gaussian_rows(residual, log_sigma, parameters.rescor)
    if plan.factor is None:
        return Moments(log_rows, jnp.zeros((0, 0, 1)), jnp.zeros((0, 1)))
    outcome = outcomes_of(spec, plan)
    columns = [data.varying[b][q] for b, q in plan.integrated(spec)]
    weight = inverse_covariance(log_sigma, parameters.rescor)
    weighted = jnp.sum(weight * residual[None], axis=1)
    size = len(columns)
    pairs = [(a, c) for a in range(size) for c in range(a + 1)]
    products = [columns[a] * weight[outcome[a], outcome[c]] * columns[c] for a, c in pairs]
    products += [columns[a] * weighted[outcome[a]] for a in range(size)]
    sums = reduce(data.segments[plan.factor], jnp.stack(jnp.broadcast_arrays(*products)))
    return Moments(log_rows, symmetric(sums[: len(pairs)], size), sums[len(pairs) :])


def inverse_covariance(log_sigma: Array, rescor: Array | None) -> Array:
    """(M, M, N) ``D^-1 R^-1 D^-1`` with ``D = diag(exp(log_sigma))``; N may be 1."""
    size = log_sigma.shape[0]
    inverse_sigma = jnp.exp(-log_sigma)
    if rescor is None:
        return jnp.eye(size)[:, :, None] * (inverse_sigma * inverse_sigma)[None]
    return inverse_correlation(rescor)[:, :, None] * inverse_sigma[:, None] * inverse_sigma[None]


def inverse_correlation(factor: Array) -> Array:
    """(M, M) inverse of R from its lower Cholesky factor, by substitution."""
    size = factor.shape[0]
    rows: list[Array] = []
    for a in range(size):
        known = sum((factor[a, k] * rows[k] for k in range(a)), start=jnp.zeros(size, factor.dtype))
        rows.append((jnp.eye(size, dtype=factor.dtype)[a] - known) / factor[a, a])
    inverse = jnp.stack(rows)
    return jnp.einsum("ka,kb->ab", inverse, inverse, precision="highest")


def symmetric(lower: Array, size: int) -> Array:
    """(Q, Q, J) from the rows of the lower triangle, (Q (Q + 1) / 2, J)."""
    where = lambda a, b: max(a, b) * (max(a, b) + 1) // 2 + min(a, b)  # noqa: E731
    return jnp.stack([jnp.stack([lower[where(a, b)] for b in range(size)]) for a in range(size)])
