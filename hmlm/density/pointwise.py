"""The log likelihood in pieces: of every row given its group effects, and of every group without them.

Effects that the sampler moves are integrated out of a group's likelihood by importance sampling from their
informed coordinates, those that enter a Gaussian mean linearly exactly:

    p(y_j | theta) = mean_k p(y_j | L z_k, theta) N(z_k; 0, I) / N(z_k; m_j, P_j^-1)
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.coordinates import Proposal, propose
from hmlm.density.linear import coefficients_of, log_sigmas, residuals
from hmlm.density.log_density import DRAWS_AT_A_TIME, LogDensity, group_effects
from hmlm.density.moments import row_moments
from hmlm.density.parameters import Parameters
from hmlm.density.precision import double_precision
from hmlm.density.state import DensityData, Static, parameters_at, prior_of_integrated
from hmlm.kernels.eliminate import eliminate
from hmlm.kernels.gaussian import gaussian_each
from hmlm.types import HmlmError


def row_log_likelihood(density: LogDensity, x: np.ndarray, seed: int) -> np.ndarray:
    """Log density of every row of the table given its group effects.

    Args:
        density: the model.
        x: (..., D) points.
        seed: of the recovered effects; the one of ``LogDensity.effects`` gives the same effects.

    Returns:
        (..., N).
    """
    with double_precision():
        flat = jnp.asarray(x).reshape(-1, density.size)
        keys = jax.random.split(jax.random.key(seed), len(flat))
        rows = _rows(density.static, flat, keys, density.data)
    return np.asarray(rows).reshape(*x.shape[:-1], -1)


def group_log_likelihood(density: LogDensity, x: np.ndarray, seed: int, n_samples: int) -> np.ndarray:
    """Log density of all rows of every level of the model's one factor, its effects integrated out.

    Args:
        density: the model.
        x: (..., D) points; their effects play no part.
        seed: of the importance samples.
        n_samples: importance samples per point, where effects on a scale are sampled.

    Returns:
        (..., J).

    Raises:
        HmlmError: the model has no grouping factor, or several.
    """
    check_one_factor(density)
    with double_precision():
        flat = jnp.asarray(x).reshape(-1, density.size)
        keys = jax.random.split(jax.random.key(seed), len(flat))
        groups = _groups(density.static, n_samples, flat, keys, density.data)
    return np.asarray(groups).reshape(*x.shape[:-1], -1)


def check_one_factor(density: LogDensity) -> None:
    """Refuse a model with no grouping factor, or several."""
    names = [factor.name for factor in density.spec.factors]
    if len(names) != 1:
        found = ", ".join(names) or "none"
        raise HmlmError(f"the log likelihood by group needs one grouping factor; the model has {found}")


@jax.jit(static_argnums=0)
def _rows(static: Static, x: Array, keys: Array, data: DensityData) -> Array:
    def one(arguments: tuple[Array, Array]) -> Array:
        point, key = arguments
        parameters, _ = parameters_at(static, point, data)
        return by_row(static, parameters, list(group_effects(static, point, key, data)), data)

    return jax.lax.map(one, (x, keys), batch_size=DRAWS_AT_A_TIME)


def by_row(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Array:
    """(N,) log density of the rows in the table's order, given per block (Q, J) effects."""
    return _each(static, parameters, u, data).ravel()[data.model.order]


def _each(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Array:
    """(T, L) log density of the rows, those of padding included."""
    arguments = (static.spec, parameters, u, data.model)
    return gaussian_each(residuals(*arguments), log_sigmas(*arguments), parameters.rescor)


@jax.jit(static_argnums=(0, 1))
def _groups(static: Static, n_samples: int, x: Array, keys: Array, data: DensityData) -> Array:
    def one(arguments: tuple[Array, Array]) -> Array:
        point, key = arguments
        parameters, _ = parameters_at(static, point, data)
        return by_group(static, n_samples, parameters, key, data)

    return jax.lax.map(one, (x, keys))


def by_group(static: Static, n_samples: int, parameters: Parameters, key: Array, data: DensityData) -> Array:
    """(J,) log likelihood of the groups; one sample will do where all effects are integrated out exactly."""
    exact = all(part.n_sampled == 0 for part in static.plan.blocks)
    n_samples = 1 if exact else n_samples
    sample = lambda k: _weighted(static, parameters, k, data)  # noqa: E731
    logs = jax.lax.map(sample, jax.random.split(key, n_samples))
    return jax.scipy.special.logsumexp(logs, axis=0) - jnp.log(float(n_samples))


def _weighted(static: Static, parameters: Parameters, key: Array, data: DensityData) -> Array:
    """(J,) log of likelihood times weight at one draw of the sampled effects."""
    u, log_weight = [], jnp.zeros(static.spec.factors[0].n_levels)
    for b in range(len(static.spec.blocks)):
        proposal = _proposal(static, parameters, b, jax.random.fold_in(key, b), data)
        n = static.plan.blocks[b].n_sampled
        u.append(parameters.factor(b)[:, :n] @ proposal.z)
        log_weight = log_weight + proposal.log_weight
    return log_weight + _likelihood_by_group(static, parameters, u, data)


def _proposal(static: Static, parameters: Parameters, b: int, key: Array, data: DensityData) -> Proposal:
    block, plan = static.spec.blocks[b], static.plan.blocks[b]
    n, levels = plan.n_sampled, static.spec.factors[block.factor].n_levels
    if n == 0:
        return Proposal(jnp.zeros((0, levels)), jnp.zeros(levels))
    beta = coefficients_of(parameters, data.information[b].predictors)
    noise = jax.random.normal(key, (n, levels))
    return propose(noise, parameters.factor(b), beta, data.information[b])


def _likelihood_by_group(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Array:
    """(J,) log likelihood given the sampled effects, the others integrated out."""
    inside = data.model.columns[0] > 0
    rows = jnp.where(inside, _each(static, parameters, u, data), 0.0)
    logs = data.model.groups[0].reduce(rows)
    if not static.plan.factors:
        return logs
    moments = row_moments(static.spec, static.plan, parameters, u, data.model)
    factor = prior_of_integrated(static, parameters, data).factors[0]
    return logs + eliminate(moments.precision, moments.score, factor)
