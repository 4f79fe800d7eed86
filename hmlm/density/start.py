"""Where sampling starts: the pilot estimate on the unconstrained scale, and how wide the posterior is there.

Starting points are drawn from a normal around the pilot, wider than the posterior is likely to be. The
widths are rules of thumb for well-identified models; adaptation corrects them.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from hmlm.density.coordinates import Coordinates, Information, invert
from hmlm.density.correlation import correlation_unconstrained
from hmlm.density.layout import Layout, Run
from hmlm.density.linear import block_coefficients
from hmlm.density.parameters import unpack
from hmlm.density.pilot import Pilot
from hmlm.density.precision import double_precision
from hmlm.density.priors import unconstrain
from hmlm.spec.spec import Spec

CORRELATION_SHRINK = 0.7  # of the pilot's correlations, which its modes overstate or understate
WIDEST = 1.0  # of a standard deviation on the log scale or a correlation on the arctanh scale


class Start(NamedTuple):
    """(D,) centre and (D,) width on the unconstrained scale."""

    center: np.ndarray
    width: np.ndarray


def make_start(
    spec: Spec,
    layout: Layout,
    coordinates: tuple[Coordinates, ...],
    information: tuple[Information, ...],
    pilot: Pilot,
) -> Start:
    """The start of a density with these coordinates."""
    center, width = np.zeros(layout.size), np.ones(layout.size)
    _fill_scalars(spec, layout, pilot, center, width)
    _fill_correlations(spec, layout, pilot, center, width)
    with double_precision():
        parameters, _ = unpack(spec, layout, jnp.asarray(center))
        for b, (kind, known) in enumerate(zip(coordinates, information, strict=True)):
            span, factor = layout.effects[b].slice, parameters.factor(b)
            mode, spread = block_modes(spec, pilot, b)
            beta = block_coefficients(spec, b, parameters)
            center[span] = np.asarray(invert(kind, jnp.asarray(mode), factor, beta, known)).ravel()
            width[span] = _effect_width(kind, spread, np.asarray(factor)).ravel()
    return Start(center, width)


def _fill_scalars(spec: Spec, layout: Layout, pilot: Pilot, center: np.ndarray, width: np.ndarray) -> None:
    values, spreads = _coefficients(pilot)
    for scales, relative in (_sigmas(spec, pilot), _taus(spec, pilot)):
        values, spreads = np.append(values, scales), np.append(spreads, scales * relative)
    for run in layout.runs:
        span = run.span.slice
        center[span], width[span] = _unconstrained(run, values[span], spreads[span])


def _coefficients(pilot: Pilot) -> tuple[np.ndarray, np.ndarray]:
    values = np.concatenate([working.beta for working in pilot.working])
    variances = np.concatenate([np.diag(working.beta_covariance) for working in pilot.working])
    return values, np.sqrt(np.maximum(variances, 1e-300))


def _sigmas(spec: Spec, pilot: Pilot) -> tuple[np.ndarray, float]:
    sigma = np.array([pilot.sigma[m] for m, prior in enumerate(spec.sigma) if prior is not None])
    return sigma, (2 * spec.n_rows) ** -0.5


def _taus(spec: Spec, pilot: Pilot) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations between levels and their relative standard errors."""
    taus, relative = [np.zeros(0)], [np.zeros(0)]
    for b, block in enumerate(spec.blocks):
        tau = np.sqrt(np.diag(block_covariance(spec, pilot, b)))
        _, spread = block_modes(spec, pilot, b)
        reliability = 1 - np.einsum("qqj->q", spread) / spread.shape[2] / tau**2
        levels = 2 * spec.factors[block.factor].n_levels
        taus.append(tau)
        relative.append(np.minimum(WIDEST, 1 / (np.sqrt(levels) * np.maximum(reliability, 0.05))))
    return np.concatenate(taus), np.concatenate(relative)


def _unconstrained(run: Run, value: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values on the unconstrained scale and their widths, by a difference quotient."""
    value = _inside(run, value)
    step = np.minimum(spread, 0.4 * np.abs(value)) if run.positive else spread
    above = _inside(run, value + step)
    with double_precision():
        x = np.asarray(unconstrain(run.prior, run.positive, jnp.asarray(value)))
        there = np.asarray(unconstrain(run.prior, run.positive, jnp.asarray(above)))
    return x, np.clip(np.abs(there - x), 1e-8, None)


def _inside(run: Run, value: np.ndarray) -> np.ndarray:
    """Moved into the support of a bounded prior."""
    if run.prior.name != "uniform":
        return value
    lower, upper = run.prior.args
    lower = max(lower, 0.0) if run.positive else lower
    margin = 0.05 * (upper - lower)
    return np.clip(value, lower + margin, upper - margin)


def _fill_correlations(
    spec: Spec, layout: Layout, pilot: Pilot, center: np.ndarray, width: np.ndarray
) -> None:
    for b, span in enumerate(layout.cor):
        if span.stop > span.start:
            center[span.slice] = _arctanh(block_covariance(spec, pilot, b))
            levels = spec.factors[spec.blocks[b].factor].n_levels
            width[span.slice] = min(WIDEST, 1.5 / np.sqrt(levels))
    if spec.rescor is not None:
        center[layout.rescor.slice] = _arctanh(pilot.rescor)
        width[layout.rescor.slice] = spec.n_rows**-0.5


def _arctanh(covariance: np.ndarray) -> np.ndarray:
    sd = np.sqrt(np.diag(covariance))
    matrix = CORRELATION_SHRINK * covariance / np.outer(sd, sd)
    np.fill_diagonal(matrix, 1.0)
    return correlation_unconstrained(matrix)


def _effect_width(kind: Coordinates, spread: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """(Q, J) posterior standard deviations of the coordinates."""
    if kind is Coordinates.INFORMED:
        return np.ones(spread.shape[1:])
    if kind is Coordinates.NONCENTERED:
        inverse = np.linalg.inv(factor)
        spread = np.einsum("ab,bcj,dc->adj", inverse, spread, inverse)
    return np.sqrt(np.clip(np.einsum("qqj->qj", spread), 1e-16, None))


def block_covariance(spec: Spec, pilot: Pilot, b: int) -> np.ndarray:
    """(Q, Q) covariance of a block's effects between levels, from its modes and spreads."""
    mode, spread = block_modes(spec, pilot, b)
    return np.cov(mode, bias=True).reshape(len(mode), len(mode)) + spread.mean(2)


def block_modes(spec: Spec, pilot: Pilot, b: int) -> tuple[np.ndarray, np.ndarray]:
    """(Q, J) modes and (Q, Q, J) conditional covariances of a block over its predictors."""
    size, n_levels = spec.blocks[b].size, spec.factors[spec.blocks[b].factor].n_levels
    mode, spread = np.zeros((size, n_levels)), np.zeros((size, size, n_levels))
    for part in (part for working in pilot.working for part in working.varying if part.block == b):
        positions = list(part.positions)
        mode[positions] = part.mode
        spread[np.ix_(positions, positions)] = part.spread
    return mode, spread
