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
from hmlm.density.shrinkage import CoefficientInformation, shrunk
from hmlm.density.smooth import coefficients_at
from hmlm.density.structured import structured_factor
from hmlm.kernels.fusing import add_up, together
from hmlm.spec.spec import OF_SERIES, Block, Constant, Spec

DType = np.dtype


class Parameters(NamedTuple):
    """Parameters on their natural scale.

    Attributes:
        intercept: per predictor, () or None; the sampled one (centred where the spec centres).
        b: per predictor, (K,), the steps of monotonic effects and then wiggly coefficients last.
        constants: by distributional parameter, per outcome: () or None where it has a formula; ``ar`` too.
        tau: per block, (Q,) standard deviations.
        correlation: per block, (Q, Q) Cholesky factor of R.
        rescor: (M, M) Cholesky factor of the residual correlation, or None.
        gamma: per predictor of standard deviations, (W,).
        sds: per smooth function, () standard deviation of its wiggly coefficients.
        shrinkage: per predictor, what its shrinkage prior is made of, by names of draws.
        cortime: (T, T) Cholesky factor of the correlations between occasions, or None.
    """

    intercept: tuple[Array | None, ...]
    b: tuple[Array, ...]
    constants: dict[str, tuple[Array | None, ...]]
    tau: tuple[Array, ...]
    correlation: tuple[Array, ...]
    rescor: Array | None
    gamma: tuple[Array, ...] = ()
    sds: tuple[Array, ...] = ()
    shrinkage: tuple[Array, ...] = ()
    cortime: Array | None = None

    @property
    def sigma(self) -> tuple[Array | None, ...]:
        """Per outcome a constant residual standard deviation, None where it has a formula."""
        return self.constants["sigma"]

    def factor(self, block: int) -> Array:
        """(Q, Q) ``L = diag(tau) chol(R)`` of a block."""
        return self.tau[block][:, None] * self.correlation[block]


def unpack(
    spec: Spec, layout: Layout, softplus: Array, x: Array, shrinkage: Sequence[CoefficientInformation | None]
) -> tuple[Parameters, Array]:
    """Parameters at (D,) ``x`` and their log prior density including the log Jacobian of the map.

    ``softplus`` holds a scale for every scalar; those of standard deviations between groups are used, and
    those of wiggly coefficients, their standard errors. ``shrinkage`` has per predictor what is known of
    coefficients that are shrunk.
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
    parts = pieces(scalars, _scalar_spans(layout))
    first, own = parts[: 2 * len(layout.b)], iter(parts[2 * len(layout.b) :])
    constants, tau, gamma, sds = (
        tuple(next(own) for _ in spans) for spans in (layout.constants, layout.sd, layout.gamma, layout.sds)
    )
    sds = tuple(value[0] for value in sds)
    b, log_special = _coefficients(spec, layout, softplus, first[1::2], sds)
    parameters = Parameters(
        intercept=tuple(map(_optional, first[::2])),
        b=b,
        constants=by_dpar(spec, [*(value[0] for value in constants), *thresholds]),
        tau=tuple(jnp.broadcast_to(t, (b.size,)) for t, b in zip(tau, spec.blocks, strict=True)),
        correlation=tuple(correlation),
        rescor=None if spec.rescor is None else rescor,
        gamma=gamma,
        sds=sds,
        shrinkage=tuple(own),
        cortime=None if spec.cortime is None else cortime,
    )
    parameters, log_shrinkage = _shrunk(spec, parameters, shrinkage)
    log_densities = [log_thresholds, log_cor, log_rescor, log_cortime, *log_special, *log_shrinkage]
    return parameters, sum(log_densities, start=log_prior)


def _coefficients(
    spec: Spec, layout: Layout, softplus: Array, coordinates: list[Array], sds: tuple[Array, ...]
) -> tuple[tuple[Array, ...], list[Array]]:
    """Per predictor its (K,) coefficients, and the log densities of steps and wiggly coefficients."""
    out, log_densities, own = [], [], iter(sds)
    for predictor, span, part in zip(spec.predictors, layout.b, coordinates, strict=True):
        errors = softplus[span.start + predictor.n_linear : span.stop]
        values, log_density = coefficients_at(
            predictor, part, tuple(next(own) for _ in predictor.smooths), errors
        )
        out.append(values)
        log_densities += [log_density] if predictor.monotonic or predictor.smooths else []
    return tuple(out), log_densities


def _shrunk(
    spec: Spec, parameters: Parameters, known: Sequence[CoefficientInformation | None]
) -> tuple[Parameters, list[Array]]:
    """Coefficients in place of the coordinates of those that are shrunk, and the log densities of these."""
    b, made_of, log_density = list(parameters.b), list(parameters.shrinkage), []
    for p, predictor in enumerate(spec.predictors):
        if predictor.shrinkage is not None:
            sigma = parameters.constants["sigma"][predictor.response] if predictor.shrinkage.by_sigma else 1.0
            found = shrunk(predictor.shrinkage, b[p], made_of[p], sigma, known[p])
            b[p], made_of[p] = found.b, found.made_of
            log_density.append(found.log_density)
    return parameters._replace(b=tuple(b), shrinkage=tuple(made_of)), log_density


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
    """Intercept and coefficients by predictor, then the others in the order of the layout."""
    coefficients = zip(layout.intercept, layout.b, strict=True)
    return [
        *(span for pair in coefficients for span in pair),
        *layout.constants,
        *layout.sd,
        *layout.gamma,
        *layout.sds,
        *layout.shrinkage,
    ]


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
    done = [_block_factor(block, part) for block, part in zip(spec.blocks, parts, strict=True)]
    return tuple(factor for factor, _ in done), sum((v for _, v in done), start=jnp.zeros((), dtype))


def _block_factor(block: Block, x: Array) -> tuple[Array, Array]:
    return _lkj(block.size, block.cor, x) if block.structure is None else structured_factor(block, x[0])


def _lkj(size: int, shape: float | None, x: Array) -> tuple[Array, Array]:
    if shape is None:
        return jnp.eye(size, dtype=x.dtype), jnp.zeros((), x.dtype)
    factor, jacobian = correlation_cholesky(size, x)
    return factor, jacobian + lkj_log_density(factor, shape)


def _optional(part: Array) -> Array | None:
    return part[0] if part.size else None
