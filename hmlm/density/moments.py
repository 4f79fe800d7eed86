"""What the rows say about the effects that are integrated out: a quadratic form.

    log p(y | u) = log_rows - u'F u / 2 + g'u

with F = Z'WZ and g = Z'Wr, W the inverse covariance of a row's outcomes and r its residual without u. The
effects of the first factor, and of factors it is nested in, meet in one level's rows only, so that their part
of F is one small matrix per level; those of crossed factors are held densely.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.parameters import DType, Parameters
from hmlm.density.plan import Plan
from hmlm.density.residual_correlation import residual_factor
from hmlm.density.series import Lag, Whitening, innovations
from hmlm.kernels.fusing import together
from hmlm.kernels.gaussian import gaussian_rows
from hmlm.kernels.small import symmetric
from hmlm.spec.spec import Spec

Independent = Lag | Whitening | None  # what makes residuals of series independent


class Rest(NamedTuple):
    """F and g of the S effects of all crossed factors but the first, factor by factor, then by coefficient.

    Attributes:
        cross: (S, Q, J) with those of the first factor.
        precision: (S, S).
        score: (S,).
    """

    cross: Array
    precision: Array
    score: Array


class Moments(NamedTuple):
    """Log density of the rows at u = 0 summed over groups, F and g.

    Attributes:
        log_rows: in any shape, to be summed.
        precision: (Q, Q, J), by level of the first factor; Q counts the coefficients of ``Plan.local``.
        score: (Q, J).
        rest: of the other, crossed factors whose effects are integrated out, None where there are none.
    """

    log_rows: Array
    precision: Array
    score: Array
    rest: Rest | None


def outcomes_of(spec: Spec, plan: Plan, *factors: int) -> tuple[int, ...]:
    """Outcome of every coefficient of these factors that is integrated out."""
    terms = [spec.blocks[b].terms[q] for f in factors for b, q in plan.integrated(spec, f)]
    return tuple(spec.predictors[term.predictor].response for term in terms)


def row_moments(spec: Spec, plan: Plan, parameters: Parameters, u: list[Array], data: ModelData) -> Moments:
    """Moments summed over rows.

    Args:
        u: per block (Q, J) effects that are sampled, and the conditional means of the others.
    """
    residual, log_sigma, lag = innovations(spec, parameters, u, data)
    rescor = residual_factor(spec, parameters, u, data)
    log_rows = gaussian_rows(residual, log_sigma, rescor, data.n_rows)
    log_rows = log_rows if lag is None else log_rows + jnp.sum(lag.gain)
    if not plan.factors:
        return only_rows(log_rows)
    weight = inverse_covariance(log_sigma, rescor)
    weighted = jnp.sum(weight * residual[None], axis=1)
    first, sums = _columns(spec, plan, plan.local, data, lag), data.groups[plan.factors[0]].reduce
    precision, score = together(_square(first, weight, sums), _score(first, weighted, sums))
    rest = _rest(spec, plan, weight, weighted, data, lag) if plan.dense else None
    return Moments(log_rows, precision, score, rest)


def only_rows(log_rows: Array) -> Moments:
    """Moments of rows whose effects are all sampled."""
    return Moments(log_rows, jnp.zeros((0, 0, 1)), jnp.zeros((0, 1)), None)


def inverse_covariance(log_sigma: Array, rescor: Array | None) -> Array:
    """(M, M, ...) ``D^-1 R^-1 D^-1`` with ``D = diag(exp(log_sigma))`` for (M, ...) log_sigma.

    ``rescor`` is the (M, M) factor of R, or (M, M, ...) of every row's.
    """
    size = log_sigma.shape[0]
    inverse = residual_precision(size, rescor, log_sigma.dtype)
    inverse_sigma = jnp.exp(-log_sigma)
    inverse = inverse.reshape(*inverse.shape, *(1,) * (log_sigma.ndim + 1 - inverse.ndim))
    return inverse * inverse_sigma[:, None] * inverse_sigma[None]


def residual_precision(size: int, rescor: Array | None, dtype: DType) -> Array:
    """(M, M) inverse of the residual correlation from its Cholesky factor, None for no correlation."""
    return jnp.eye(size, dtype=dtype) if rescor is None else inverse_correlation(rescor)


def inverse_correlation(factor: Array) -> Array:
    """(M, M, ...) inverse of R from its lower Cholesky factor, by substitution."""
    size, rest = factor.shape[0], factor.shape[2:]
    one = jnp.eye(size, dtype=factor.dtype).reshape(size, size, *(1,) * len(rest))
    rows: list[Array] = []
    for a in range(size):
        known = sum((factor[a, k] * rows[k] for k in range(a)), start=jnp.zeros((size, *rest), factor.dtype))
        rows.append((one[a] - known) / factor[a, a])
    inverse = jnp.stack(rows)
    if rest:
        return jnp.sum(inverse[:, :, None] * inverse[:, None], axis=0)
    return jnp.einsum("ka,kb->ab", inverse, inverse, precision="highest")


class _Effects(NamedTuple):
    """Columns (T, L) and outcomes of coefficients."""

    columns: list[Array]
    outcomes: tuple[int, ...]


def _columns(spec: Spec, plan: Plan, factors: tuple[int, ...], data: ModelData, lag: Independent) -> _Effects:
    """Columns of the coefficients of these factors, less those of the rows before where there is a lag."""
    at = [data.varying[b][q] for f in factors for b, q in plan.integrated(spec, f)]
    columns = [data.columns[i] if lag is None else lag.column(data, i) for i in at]
    return _Effects(columns, outcomes_of(spec, plan, *factors))


def _score(effects: _Effects, weighted: Array, sums) -> Array:
    """(Q, J) ``Z'Wr``."""
    return jnp.stack([sums(z * weighted[m]) for z, m in zip(*effects, strict=True)])


def _square(effects: _Effects, weight: Array, sums) -> Array:
    """(Q, Q, J) ``Z'WZ``."""
    size = len(effects.columns)
    lower = [[_product(effects, a, effects, c, weight, sums) for c in range(a + 1)] for a in range(size)]
    return symmetric(lower)


def _product(left: _Effects, a: int, right: _Effects, c: int, weight: Array, sums) -> Array:
    w = weight[left.outcomes[a], right.outcomes[c]]
    return sums(left.columns[a] * w * right.columns[c])


def _rest(spec: Spec, plan: Plan, weight: Array, weighted: Array, data: ModelData, lag: Independent) -> Rest:
    effects = [_columns(spec, plan, (factor,), data, lag) for factor in plan.factors]
    levels = [spec.factors[factor].n_levels for factor in plan.factors]
    size = len(effects)
    block = lambda f, g: _pair(effects[f], effects[g], levels[f], levels[g], weight, data.pairs[f, g])  # noqa: E731
    cross = jnp.concatenate([block(f, 0) for f in range(1, size)])
    own = [data.groups[factor].reduce for factor in plan.factors]
    diagonal = {f: _spread_diagonal(_square(effects[f], weight, own[f])) for f in range(1, size)}
    below = {(f, g): block(f, g) for f in range(1, size) for g in range(1, f)}
    whole = lambda f, g: diagonal[f] if f == g else below[f, g] if f > g else below[g, f].T  # noqa: E731
    precision = jnp.block([[whole(f, g) for g in range(1, size)] for f in range(1, size)])
    score = jnp.concatenate([_score(effects[f], weighted, own[f]).ravel() for f in range(1, size)])
    return Rest(cross.reshape(len(score), len(effects[0].columns), levels[0]), precision, score)


def _pair(left: _Effects, right: _Effects, n_left: int, n_right: int, weight: Array, pairs) -> Array:
    """(Q_f J_f, Q_g J_g) ``Z_f'WZ_g`` from rows by pair of levels."""
    parts = [
        [
            _product(left, a, right, c, weight, pairs.reduce).reshape(n_left, n_right)
            for c in range(len(right.columns))
        ]
        for a in range(len(left.columns))
    ]
    return jnp.block(parts)


def _spread_diagonal(square: Array) -> Array:
    """(Q J, Q J) from (Q, Q, J): entries between levels are zero."""
    size, _, levels = square.shape
    whole = square[:, :, :, None] * jnp.eye(levels, dtype=square.dtype)
    return whole.transpose(0, 2, 1, 3).reshape(size * levels, size * levels)
