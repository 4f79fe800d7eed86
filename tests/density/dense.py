"""The dense oracle: every row and every effect in one multivariate normal, nothing structured."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import block_diag, cho_solve, cholesky

from hmlm.density.linear import linear_predictor, log_sigmas, residuals
from hmlm.density.log_density import LogDensity
from hmlm.density.parameters import Parameters
from hmlm.density.state import DensityData, Static, parameters_at, prior_of_integrated, state_at, total


def dense_log_density(static: Static, x: Array, data: DensityData) -> Array:
    """Log density with the integrated effects as part of an (N M, N M) covariance matrix."""
    residual, covariance, _, _ = joint_normal(static, x, data)
    root = cholesky(covariance, lower=True)
    white = cho_solve((root, True), residual)
    log_rows = -0.5 * residual @ white - jnp.sum(jnp.log(jnp.diagonal(root)))
    n_values = data.model.n_rows * len(static.spec.outcomes)
    return total(state_at(static, x, data).log_prior) + log_rows - 0.5 * n_values * jnp.log(2 * jnp.pi)


def joint_normal(static: Static, x: Array, data: DensityData) -> tuple[Array, Array, Array, Array]:
    """(M N,) residual and its covariance, (M N, E) columns Z and (E, E) covariance of the effects.

    Effects are ordered factor by factor, coefficient by coefficient, level by level; sampled effects are
    known, and the conditional means of the others are in the residual. Rows of padding are standard normal
    at zero.
    """
    parameters, _ = parameters_at(static, x, data)
    u = state_at(static, x, data).u
    residual = residuals(static.spec, parameters, u, data.model)
    log_sigma = log_sigmas(static.spec, parameters, u, data.model) * data.model.columns[0]
    residual, log_sigma = (rows.reshape(len(rows), -1) for rows in (residual, log_sigma))
    correlation = _residual_correlation(static, parameters, u, data)
    noise = _noise_covariance(jnp.exp(log_sigma), correlation, data.model.columns[0].ravel())
    Z = jnp.zeros((residual.size, 0))
    between = jnp.zeros((0, 0))
    for factor, root in zip(
        static.plan.factors, prior_of_integrated(static, parameters, data).factors, strict=True
    ):
        levels = static.spec.factors[factor].n_levels
        Z = jnp.concatenate([Z, _columns(static, data, factor)], axis=1)
        scale = _level_scales(static, parameters, data, factor)
        mixing = _mixing(static, data, factor)
        shared = mixing @ jnp.kron(root @ root.T, jnp.eye(levels)) @ mixing.T
        between = block_diag(between, scale[:, None] * shared * scale)
    return residual.ravel(), noise + Z @ between @ Z.T, Z, between


def _residual_correlation(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Array:
    """(M, M), or row by row where it has a formula."""
    p = static.spec.rescor_predictor
    if p is not None:
        rho = jnp.tanh(linear_predictor(static.spec, p, parameters, u, data.model)).ravel()
        return jnp.stack([jnp.stack([jnp.ones_like(rho), rho]), jnp.stack([rho, jnp.ones_like(rho)])])
    size = len(static.spec.outcomes)
    rescor = jnp.eye(size) if parameters.rescor is None else parameters.rescor
    return rescor @ rescor.T


def _noise_covariance(sigma: Array, correlation: Array, inside: Array) -> Array:
    n_outcomes, _ = sigma.shape
    blocks = [
        [
            jnp.diag(jnp.where(inside > 0, correlation[m, n], m == n) * sigma[m] * sigma[n])
            for n in range(n_outcomes)
        ]
        for m in range(n_outcomes)
    ]
    return jnp.block(blocks)


def _mixing(static: Static, data: DensityData, factor: int) -> Array:
    """(Q J, Q J) what makes effects of levels from those of independent ones."""
    levels = static.spec.factors[factor].n_levels
    known = [data.mixing[b] for b, _ in static.plan.integrated(static.spec, factor)]
    return block_diag(*(jnp.eye(levels) if own is None else own for own in known))


def _level_scales(static: Static, parameters: Parameters, data: DensityData, factor: int) -> Array:
    """(Q J,) ratios of levels' standard deviations to those that ``parameters.tau`` holds."""
    spec, parts = static.spec, []
    for place in static.plan.integrated(spec, factor):
        log_scale = jnp.zeros(spec.factors[factor].n_levels)
        for s in (s for s, part in enumerate(spec.sds) if place in part.terms):
            columns = data.model.sds[s].columns - data.model.sds[s].means[:, None]
            log_scale = log_scale + parameters.gamma[s] @ columns
        parts.append(jnp.exp(log_scale))
    return jnp.concatenate(parts)


def _columns(static: Static, data: DensityData, factor: int) -> Array:
    """(M N, Q J): each integrated coefficient's column in the rows of its level and outcome."""
    spec, model = static.spec, data.model
    member = model.groups[factor].expand(jnp.eye(spec.factors[factor].n_levels))
    parts = []
    for b, q in static.plan.integrated(spec, factor):
        outcome = spec.predictors[spec.blocks[b].terms[q].predictor].response
        own = jnp.zeros(len(spec.outcomes)).at[outcome].set(1.0)
        rows = (model.columns[model.varying[b][q]] * member).reshape(len(member), -1)
        parts.append(jnp.kron(own[:, None], rows.T))
    return jnp.concatenate(parts, axis=1)


def conditional_moments(density: LogDensity, x: Array) -> tuple[Array, Array]:
    """Mean (E,) and covariance (E, E) of the integrated effects' deviations given everything else."""
    residual, covariance, Z, between = joint_normal(density.static, x, density.data)
    gain = jnp.linalg.solve(covariance, Z @ between).T
    return gain @ residual, between - gain @ Z @ between
