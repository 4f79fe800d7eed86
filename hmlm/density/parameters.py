"""From the unconstrained vector to the parameters of the model, with their log prior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.correlation import correlation_cholesky, lkj_log_density
from hmlm.density.layout import Layout, Run, Span
from hmlm.density.priors import Transform, constrain, log_prob, real_line_map
from hmlm.kernels.fusing import add_up, together
from hmlm.spec.spec import OF_SERIES, Constant, Spec

DType = np.dtype


class Parameters(NamedTuple):
    """Parameters on their natural scale.

    Attributes:
        intercept: per predictor, () or None; the sampled one (centred where the spec centres).
        b: per predictor, (K,).
        constants: by distributional parameter, per outcome: () or None where it has a formula; ``ar`` too.
        tau: per block, (Q,) standard deviations.
        correlation: per block, (Q, Q) Cholesky factor of R.
        rescor: (M, M) Cholesky factor of the residual correlation, or None.
        gamma: per predictor of standard deviations, (W,).
        cortime: (T, T) Cholesky factor of the correlations between occasions, or None.
    """

    intercept: tuple[Array | None, ...]
    b: tuple[Array, ...]
    constants: dict[str, tuple[Array | None, ...]]
    tau: tuple[Array, ...]
    correlation: tuple[Array, ...]
    rescor: Array | None
    gamma: tuple[Array, ...] = ()
    cortime: Array | None = None

    @property
    def sigma(self) -> tuple[Array | None, ...]:
        """Per outcome a constant residual standard deviation, None where it has a formula."""
        return self.constants["sigma"]

    def factor(self, block: int) -> Array:
        """(Q, Q) ``L = diag(tau) chol(R)`` of a block."""
        return self.tau[block][:, None] * self.correlation[block]


def unpack(spec: Spec, layout: Layout, softplus: Array, x: Array) -> tuple[Parameters, Array]:
    """Parameters at (D,) ``x`` and their log prior density including the log Jacobian of the map.

    ``softplus`` holds a scale for every scalar; those of standard deviations between groups are used.
    """
    runs = [run.span for run in layout.runs]
    spans = [*runs, layout.thresholds, *layout.cor, layout.rescor, layout.cortime]
    *parts, rescor_part, cortime_part = pieces(x, spans)
    scalars, log_prior = _scalars(layout, softplus, parts[: len(runs)], x.dtype)
    thresholds, log_thresholds = ordered(spec.thresholds, parts[len(runs)])
    correlation, log_cor = _correlations(spec, parts[len(runs) + 1 :], x.dtype)
    rescor, log_rescor = _lkj(len(spec.outcomes), spec.rescor, rescor_part)
    cortime, log_cortime = _lkj(len(spec.times), spec.cortime, cortime_part)
    scalars, rescor, *correlation = together(scalars, rescor, *correlation)
    own = iter(pieces(scalars, _scalar_spans(layout)))
    coefficients = [(next(own), next(own)) for _ in layout.b]
    parameters = Parameters(
        intercept=tuple(_optional(intercept) for intercept, _ in coefficients),
        b=tuple(b for _, b in coefficients),
        constants=by_dpar(spec, [*(next(own)[0] for _ in layout.constants), *thresholds]),
        tau=tuple(next(own) for _ in layout.sd),
        correlation=tuple(correlation),
        rescor=None if spec.rescor is None else rescor,
        gamma=tuple(own),
        cortime=None if spec.cortime is None else cortime,
    )
    return parameters, log_prior + log_thresholds + log_cor + log_rescor + log_cortime


def ordered(thresholds: Sequence[Constant], x: Array) -> tuple[Array, Array]:
    """(T,) increasing values and their log prior with the Jacobian: the first, then logarithms of gaps."""
    if not thresholds:
        return x, jnp.zeros((), x.dtype)
    gaps = jnp.exp(x[1:])
    values = jnp.cumsum(jnp.concatenate([x[:1], gaps]))
    return values, jnp.sum(x[1:]) + sum(
        log_prob(own.prior, value) for own, value in zip(thresholds, values, strict=True)
    )


def by_dpar(spec: Spec, values: Sequence[Array]) -> dict[str, tuple[Array | None, ...]]:
    """Values of ``spec.constants`` by distributional parameter and outcome."""
    found = {(c.response, c.dpar): value for c, value in zip(spec.constants, values, strict=True)}
    n_outcomes = len(spec.outcomes)
    dpars = (*spec.family.dpars[1:], *(c.dpar for c in spec.constants if c.dpar in OF_SERIES))
    return {dpar: tuple(found.get((m, dpar)) for m in range(n_outcomes)) for dpar in dpars}


def pieces(x: Array, spans: list[Span]) -> list[Array]:
    """``x`` cut into neighbouring spans that cover it; unlike slices, their gradients need no padding."""
    return jax.lax.split(x, [span.stop - span.start for span in spans])


def _scalar_spans(layout: Layout) -> list[Span]:
    """Intercept and coefficients by predictor, constants, standard deviations and their coefficients."""
    coefficients = zip(layout.intercept, layout.b, strict=True)
    return [*(span for pair in coefficients for span in pair), *layout.constants, *layout.sd, *layout.gamma]


def _scalars(layout: Layout, softplus: Array, parts: list[Array], dtype: DType) -> tuple[Array, Array]:
    if not layout.runs:
        return jnp.zeros(0, dtype), jnp.zeros((), dtype)
    done = [
        constrain(run.prior, run_map(run, softplus), part)
        for run, part in zip(layout.runs, parts, strict=True)
    ]
    values, log_priors = zip(*done, strict=True)
    return jnp.concatenate(values), add_up(*log_priors)


def run_map(run: Run, softplus: Array) -> Transform:
    """The map of a run from the real line, given the scales of all scalars."""
    scale = softplus[run.span.slice] if run.between else None
    return real_line_map(run.prior, support=run.support, scale=scale)


def _correlations(spec: Spec, parts: list[Array], dtype: DType) -> tuple[tuple[Array, ...], Array]:
    done = [_lkj(block.size, block.cor, part) for block, part in zip(spec.blocks, parts, strict=True)]
    return tuple(factor for factor, _ in done), sum((v for _, v in done), start=jnp.zeros((), dtype))


def _lkj(size: int, shape: float | None, x: Array) -> tuple[Array, Array]:
    if shape is None:
        return jnp.eye(size, dtype=x.dtype), jnp.zeros((), x.dtype)
    factor, jacobian = correlation_cholesky(size, x)
    return factor, jacobian + lkj_log_density(factor, shape)


def _optional(part: Array) -> Array | None:
    return part[0] if part.size else None
