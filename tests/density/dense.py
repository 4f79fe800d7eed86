"""The dense oracle: every row and every effect in one multivariate normal, nothing structured."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import cho_solve, cholesky

from hmlm.density.linear import log_sigmas, residuals
from hmlm.density.log_density import LogDensity
from hmlm.density.state import DensityData, Static, integrated_factor, parameters_at, state_at


def dense_log_density(static: Static, x: Array, data: DensityData) -> Array:
    """Log density with the integrated effects as part of an (N M, N M) covariance matrix."""
    residual, covariance, _, _ = joint_normal(static, x, data)
    root = cholesky(covariance, lower=True)
    white = cho_solve((root, True), residual)
    log_rows = -0.5 * residual @ white - jnp.sum(jnp.log(jnp.diagonal(root)))
    return state_at(static, x, data).log_prior + log_rows - 0.5 * len(residual) * jnp.log(2 * jnp.pi)


def joint_normal(static: Static, x: Array, data: DensityData) -> tuple[Array, Array, Array, Array]:
    """(M N,) residual and its covariance, (M N, Q J) columns Z and (Q J, Q J) covariance of the effects.

    Effects are ordered coefficient by coefficient; sampled effects are known, and the conditional means of
    the others are in the residual.
    """
    parameters, _ = parameters_at(static, x, data)
    u = state_at(static, x, data).u
    residual = residuals(static.spec, parameters, u, data.model)
    log_sigma = jnp.broadcast_to(log_sigmas(static.spec, parameters, u, data.model), residual.shape)
    rescor = jnp.eye(len(residual)) if parameters.rescor is None else parameters.rescor
    noise = _noise_covariance(jnp.exp(log_sigma), rescor @ rescor.T)
    if static.plan.factor is None:
        empty = jnp.zeros((residual.size, 0))
        return residual.ravel(), noise, empty, jnp.zeros((0, 0))
    Z = _columns(static, data)
    factor = integrated_factor(static, parameters)
    levels = static.spec.factors[static.plan.factor].n_levels
    between = jnp.kron(factor @ factor.T, jnp.eye(levels))
    return residual.ravel(), noise + Z @ between @ Z.T, Z, between


def _noise_covariance(sigma: Array, correlation: Array) -> Array:
    n_outcomes, n_rows = sigma.shape
    blocks = [
        [jnp.diag(correlation[m, n] * sigma[m] * sigma[n]) for n in range(n_outcomes)]
        for m in range(n_outcomes)
    ]
    return jnp.block(blocks)


def _columns(static: Static, data: DensityData) -> Array:
    """(M N, Q J): each integrated coefficient's column in the rows of its level and outcome."""
    spec = static.spec
    levels = spec.factors[static.plan.factor].n_levels
    member = (data.model.segments[static.plan.factor].index[:, None] == jnp.arange(levels)).astype(float)
    parts = []
    for b, q in static.plan.integrated(spec):
        outcome = spec.predictors[spec.blocks[b].terms[q].predictor].response
        own = jnp.zeros(len(spec.outcomes)).at[outcome].set(1.0)
        parts.append(jnp.kron(own[:, None], data.model.varying[b][q][:, None] * member))
    return jnp.concatenate(parts, axis=1)


def conditional_moments(density: LogDensity, x: Array) -> tuple[Array, Array]:
    """Mean (Q J,) and covariance (Q J, Q J) of the integrated effects' deviations given everything else."""
    residual, covariance, Z, between = joint_normal(density.static, x, density.data)
    gain = jnp.linalg.solve(covariance, Z @ between).T
    return gain @ residual, between - gain @ Z @ between
