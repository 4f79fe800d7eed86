"""From the unconstrained vector to the parameters of the model, with their log prior."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from hmlm.density.correlation import correlation_cholesky, lkj_log_density
from hmlm.density.layout import Layout, Run, Span
from hmlm.density.priors import Transform, constrain, real_line_map
from hmlm.spec.spec import Block, Spec


class Parameters(NamedTuple):
    """Parameters on their natural scale.

    Attributes:
        intercept: per predictor, () or None; the sampled one (centred where the spec centres).
        b: per predictor, (K,).
        sigma: per outcome, () or None where sigma has a formula.
        tau: per block, (Q,) standard deviations.
        correlation: per block, (Q, Q) Cholesky factor of R.
        rescor: (M, M) Cholesky factor of the residual correlation, or None.
    """

    intercept: tuple[Array | None, ...]
    b: tuple[Array, ...]
    sigma: tuple[Array | None, ...]
    tau: tuple[Array, ...]
    correlation: tuple[Array, ...]
    rescor: Array | None

    def factor(self, block: int) -> Array:
        """(Q, Q) ``L = diag(tau) chol(R)`` of a block."""
        return self.tau[block][:, None] * self.correlation[block]


def unpack(spec: Spec, layout: Layout, softplus: Array, x: Array) -> tuple[Parameters, Array]:
    """Parameters at (D,) ``x`` and their log prior density including the log Jacobian of the map.

    ``softplus`` holds a scale for every scalar; those of standard deviations between groups are used.
    """
    scalars, log_prior = _scalars(layout, softplus, x)
    correlation, log_cor = _correlations(spec, layout, x)
    rescor, log_rescor = _lkj(len(spec.outcomes), spec.rescor, layout.rescor, x)
    parameters = Parameters(
        intercept=tuple(_optional(scalars, span) for span in layout.intercept),
        b=tuple(scalars[span.slice] for span in layout.b),
        sigma=tuple(_optional(scalars, span) for span in layout.sigma),
        tau=tuple(scalars[span.slice] for span in layout.sd),
        correlation=correlation,
        rescor=None if spec.rescor is None else rescor,
    )
    return parameters, log_prior + log_cor + log_rescor


def _scalars(layout: Layout, softplus: Array, x: Array) -> tuple[Array, Array]:
    if not layout.runs:
        return x[:0], jnp.zeros((), x.dtype)
    parts = [constrain(run.prior, run_map(run, softplus), x[run.span.slice]) for run in layout.runs]
    values, log_priors = zip(*parts, strict=True)
    return jnp.concatenate(values), sum(log_priors, start=jnp.zeros((), x.dtype))


def run_map(run: Run, softplus: Array) -> Transform:
    """The map of a run from the real line, given the scales of all scalars."""
    scale = softplus[run.span.slice] if run.between else None
    return real_line_map(run.prior, positive=run.positive, scale=scale)


def _correlations(spec: Spec, layout: Layout, x: Array) -> tuple[tuple[Array, ...], Array]:
    parts = [_block_lkj(block, span, x) for block, span in zip(spec.blocks, layout.cor, strict=True)]
    factors = tuple(factor for factor, _ in parts)
    return factors, sum((value for _, value in parts), start=jnp.zeros((), x.dtype))


def _block_lkj(block: Block, span: Span, x: Array) -> tuple[Array, Array]:
    return _lkj(block.size, block.cor, span, x)


def _lkj(size: int, shape: float | None, span: Span, x: Array) -> tuple[Array, Array]:
    if shape is None:
        return jnp.eye(size, dtype=x.dtype), jnp.zeros((), x.dtype)
    factor, jacobian = correlation_cholesky(size, x[span.slice])
    return factor, jacobian + lkj_log_density(factor, shape)


def _optional(scalars: Array, span: Span) -> Array | None:
    return scalars[span.start] if span.stop > span.start else None
