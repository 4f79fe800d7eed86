"""Where sampling starts: the pilot estimate on the unconstrained scale, and how wide the posterior is there.

Starting points are drawn from a normal around the pilot, wider than the posterior is likely to be. The
widths are rules of thumb for well-identified models; adaptation corrects them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.coordinates import Coordinates, Information, effects, invert
from hmlm.density.correlation import correlation_unconstrained
from hmlm.density.family_pilot import FamilyPilot
from hmlm.density.information import make_information
from hmlm.density.layout import Layout, Run, make_layout
from hmlm.density.linear import coefficients_of
from hmlm.density.mixing import Mixing, variance_between
from hmlm.density.pad import pad_information, padded_spec, round_levels
from hmlm.density.pad_rows import on_axis
from hmlm.density.parameters import Parameters, run_map, unpack
from hmlm.density.pilot import Pilot, block_covariance, block_modes
from hmlm.density.plan import BlockPlan, Plan, sampled_plan
from hmlm.density.precision import double_precision
from hmlm.density.shrinkage import CoefficientInformation
from hmlm.density.shrinkage_start import pilot_of, start_at
from hmlm.density.smooth import start_of
from hmlm.density.structured import structured_unconstrained
from hmlm.density.working import Working
from hmlm.spec.distribution import interval_of
from hmlm.spec.spec import OF_SERIES, Block, Spec, without_levels
from hmlm.spec.support import Support
from hmlm.types import Design

CORRELATION_SHRINK = 0.7  # of the pilot's correlations, which its modes overstate or understate
WIDEST = 1.0  # of a standard deviation on the log scale or a correlation on the arctanh scale


class Start(NamedTuple):
    """(D,) centre and (D,) width on the unconstrained scale, and (n_scalars,) scales of the softplus map."""

    center: np.ndarray
    width: np.ndarray
    softplus: np.ndarray


def make_start(
    spec: Spec,
    plan: Plan,
    information: tuple[Information | None, ...],
    shrinkage: tuple[CoefficientInformation | None, ...],
    design: Design,
    pilot: Pilot,
    mixing: Mixing,
) -> Start:
    """The start of a density under a plan."""
    layout = make_layout(spec, plan)
    center, width = np.zeros(layout.size), np.ones(layout.size)
    values, spreads = _scalars(spec, design, pilot, mixing)
    softplus, inside = np.maximum(spreads, 1e-300), _inside_all(layout, values, spreads)
    _fill_errors(spec, layout, pilot, softplus)
    _fill_thresholds(spec, layout, pilot, center, width)
    _fill_correlations(spec, layout, pilot, center, width)
    modes = tuple(
        block_modes(spec, pilot, b) if part.n_sampled and mixing[b] is None else None
        for b, part in enumerate(plan.blocks)
    )
    levels = round_levels(spec)
    with double_precision():
        located = _locate(
            without_levels(padded_spec(spec, levels)),
            plan,
            softplus,
            inside,
            _above_all(layout, inside, spreads),
            center[layout.n_scalars : layout.n_population],
            *_over_levels(spec, levels, modes, information),
            shrinkage,
        )
    x, above, factors, coordinates = jax.tree.map(np.asarray, located)
    center[: layout.n_scalars] = x
    width[: layout.n_scalars] = np.clip(np.abs(above - x), 1e-8, None)
    for b, part in enumerate(plan.blocks):
        if part.n_sampled:
            n, span = part.n_sampled, layout.effects[b].slice
            levels_of_block = spec.factors[spec.blocks[b].factor].n_levels
            center[span] = coordinates[b][:, :levels_of_block].ravel()
            spread = _pseudo_spread(information[b], factors[b]) if modes[b] is None else modes[b][1]
            width[span] = _effect_width(part.coordinates, spread[:n, :n], factors[b][:n, :n]).ravel()
    return Start(center, width, softplus)


def _over_levels(
    spec: Spec,
    levels: tuple[int, ...],
    modes: tuple[tuple[np.ndarray, np.ndarray] | None, ...],
    information: tuple[Information | None, ...],
) -> tuple[tuple[np.ndarray | None, ...], tuple[Information | None, ...]]:
    """(Q, J) modes and information of every block for round numbers of levels, which share a program."""
    sizes = [levels[block.factor] for block in spec.blocks]
    return (
        tuple(mode and on_axis(mode[0], n) for mode, n in zip(modes, sizes, strict=True)),
        tuple(known and pad_information(known, n) for known, n in zip(information, sizes, strict=True)),
    )


@jax.jit(static_argnums=(0, 1))
def _locate(
    spec: Spec,
    plan: Plan,
    softplus: Array,
    values: Array,
    above: Array,
    correlations: Array,
    modes: tuple[Array | None, ...],
    information: tuple[Information | None, ...],
    shrinkage: tuple[CoefficientInformation | None, ...],
) -> tuple[Array, Array, list[Array], list[Array | None]]:
    """Scalars and points above them on the unconstrained scale, factors, and coordinates of the modes.

    Where a block with information has no modes, those of one scoring step from its pilot. One
    program: eagerly, every operation would be compiled by itself.
    """
    layout = make_layout(spec, plan)
    maps = [(run_map(run, softplus), run.span.slice) for run in layout.runs]
    nothing = [jnp.zeros(0, values.dtype)]
    x = jnp.concatenate([*(to.inv(values[span]) for to, span in maps), *nothing])
    there = jnp.concatenate([*(to.inv(above[span]) for to, span in maps), *nothing])
    parameters, _ = unpack(spec, layout, softplus, jnp.concatenate([x, correlations]), shrinkage)
    factors = [parameters.factor(b) for b in range(len(plan.blocks))]
    coordinates = [
        None if known is None else _coordinates_of(part, mode, factor, parameters, known)
        for part, mode, factor, known in zip(plan.blocks, modes, factors, information, strict=True)
    ]
    return x, there, factors, coordinates


def _coordinates_of(
    part: BlockPlan, mode: Array | None, factor: Array, parameters: Parameters, known: Information
) -> Array:
    """(Q, J) coordinates of a block's modes, where the informed ones are zero if none are given."""
    beta = coefficients_of(parameters, known.predictors, known.constants)
    if mode is None:
        zeros = jnp.zeros((part.n_sampled, known.score.shape[1]), factor.dtype)
        mode = effects(Coordinates.INFORMED, zeros, factor, beta, known).u
    return invert(part.coordinates, mode[: part.n_sampled], factor, beta, known)


def _pseudo_spread(known: Information, factor: np.ndarray) -> np.ndarray:
    """(Q, Q, J) conditional covariances of the effects of pseudo-levels."""
    prior = np.linalg.inv(factor @ factor.T + 1e-12 * np.diag(np.diag(factor) ** 2))
    return np.linalg.inv(np.asarray(known.precision).transpose(2, 0, 1) + prior).transpose(1, 2, 0)


def _scalars(spec: Spec, design: Design, pilot: Pilot, mixing: Mixing) -> tuple[np.ndarray, np.ndarray]:
    """Values and rough standard errors of intercepts, coefficients, sigmas and standard deviations."""
    beta, beta_error = _coefficients(spec, pilot)
    constants, constant_error = _constants(spec, pilot)
    known = make_information(spec, design, pilot, sampled_plan(spec), mixing)
    taus = [
        between(spec, pilot, b, np.asarray(part.precision), variance_between(mixing[b]))
        for b, part in enumerate(known)
    ]
    taus = [_of_all(*found) if b.n_sd < b.size else found for found, b in zip(taus, spec.blocks, strict=True)]
    gammas = [_gamma(spec, s, part.matrix) for s, part in enumerate(design.sds)]
    (beta, beta_error), *shared = _shrunk(spec, pilot, beta, beta_error, constants)
    of_constants = (constants, constant_error)
    pairs = [(beta, beta_error), of_constants, *taus, *gammas, *_smooths(spec, pilot), *shared]
    values, errors = zip(*pairs, strict=True)
    return np.concatenate(values), np.concatenate(errors)


def _of_all(tau: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(1,) standard deviation of all terms and its standard error, from (Q,) of each."""
    return np.sqrt(np.mean(tau**2, keepdims=True)), np.sqrt(np.mean(error**2, keepdims=True) / len(tau))


def _shrunk(
    spec: Spec, pilot: Pilot | FamilyPilot, beta: np.ndarray, error: np.ndarray, constants: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Coefficients with zeta in place of those that are shrunk, then what shrinkage priors are made of."""
    beta, error, out, first = beta.copy(), error.copy(), [], 0
    sigma = {c.response: value for c, value in zip(spec.scalars, constants, strict=True) if c.dpar == "sigma"}
    for predictor, working in zip(spec.predictors, pilot.working, strict=True):
        if predictor.shrinkage is not None:
            own = first + int(predictor.intercept is not None) + np.array(predictor.shrinkage.columns)
            unit = sigma[predictor.response] if predictor.shrinkage.by_sigma else 1.0
            found = start_at(predictor.shrinkage, pilot_of(predictor, working), unit)
            beta[own], error[own] = found.zeta, 1.0
            out.append((found.made_of, found.error))
        first += len(working.beta)
    return [(beta, error), *out]


def _gamma(spec: Spec, s: int, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Zeros, and standard errors of coefficients of log standard deviations if effects were known.

    Each of q effects of a level has information 2 on their logarithm.
    """
    deviations = columns - columns.mean(0)
    q = len(spec.sds[s].terms)
    inverse = np.linalg.pinv(2.0 * q * deviations.T @ deviations, hermitian=True)
    return np.zeros(len(inverse)), np.sqrt(np.diag(inverse))


def _constants(spec: Spec, pilot: Pilot | FamilyPilot) -> tuple[np.ndarray, np.ndarray]:
    """Distributional parameters without a formula, apart from thresholds, and their standard errors."""
    if isinstance(pilot, FamilyPilot):
        n = len(spec.scalars)
        return pilot.constants[:n], pilot.errors[:n]
    of_sigma = [(sigma, sigma / np.sqrt(2 * spec.n_rows)) for sigma in pilot.sigma]
    of_series = (pilot.autocorrelation, 1.0 / np.sqrt(spec.n_rows))
    pairs = [of_series if c.dpar in OF_SERIES else of_sigma[c.response] for c in spec.constants]
    values, errors = np.array(pairs).reshape(-1, 2).T
    return values, errors


def _coefficients(spec: Spec, pilot: Pilot) -> tuple[np.ndarray, np.ndarray]:
    parts = []
    for predictor, working in zip(spec.predictors, pilot.working, strict=True):
        errors, n = _errors(working), int(predictor.intercept is not None)
        beta, error, *_ = start_of(predictor, working.beta[n:], errors[n:])
        parts.append((np.r_[working.beta[:n], beta], np.r_[errors[:n], error]))
    values, errors = zip(*parts, strict=True)
    return np.concatenate(values), np.concatenate(errors)


def _errors(working: Working) -> np.ndarray:
    return np.sqrt(np.maximum(np.diag(working.beta_covariance), 1e-300))


def _smooths(spec: Spec, pilot: Pilot) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Standard deviations of wiggly coefficients and their standard errors if these were known."""
    for predictor, working in zip(spec.predictors, pilot.working, strict=True):
        n = int(predictor.intercept is not None)
        sds = start_of(predictor, working.beta[n:], _errors(working)[n:])[2]
        yield sds, sds / np.sqrt(2.0 * np.array([smooth.size for smooth in predictor.smooths]))


def _fill_errors(spec: Spec, layout: Layout, pilot: Pilot, softplus: np.ndarray) -> None:
    """Standard errors of wiggly coefficients, which their coordinates are made of."""
    for predictor, working, span in zip(spec.predictors, pilot.working, layout.b, strict=True):
        n = int(predictor.intercept is not None)
        known = start_of(predictor, working.beta[n:], _errors(working)[n:])[3]
        softplus[span.start + predictor.n_linear : span.stop] = known


def between(
    spec: Spec, pilot: Pilot, b: int, known: np.ndarray, share: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """(Q,) standard deviations of a block between levels, and their standard errors.

    The information on a variance is ``sum_j V_j^2 / 2`` with ``V = F - F (F + Sigma^-1)^-1 F``, F the
    information ``known`` (Q, Q, J) on the effect; where the pilot puts the variance near zero, the standard
    error of the standard deviation is the square root of that of the variance. ``share`` is the variance of
    levels around their mean relative to the one that is named.
    """
    covariance = block_covariance(spec, pilot, b) / share
    tau = np.sqrt(np.diag(covariance))
    n = len(tau)
    precision = known.transpose(2, 0, 1)
    spread = np.linalg.inv(precision + np.linalg.inv(covariance + 1e-12 * np.diag(tau**2)))
    information = precision - precision @ spread @ precision
    variance_error = (0.5 * np.einsum("jqq,jqq->q", information, information) + 1e-300) ** -0.5
    error = np.minimum(variance_error / (2 * tau), np.sqrt(variance_error))
    return tau, np.minimum(error, np.maximum(tau, np.sqrt(variance_error))).reshape(n)


def _inside_all(layout: Layout, values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Scalars within the supports of their priors."""
    parts = [_inside(run, values[run.span.slice], errors[run.span.slice]) for run in layout.runs]
    return np.concatenate([*parts, np.zeros(0)])


def _above_all(layout: Layout, inside: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Scalars a standard error, or part of a positive value, further up: for a difference quotient."""
    parts = []
    for run in layout.runs:
        value, error = inside[run.span.slice], errors[run.span.slice]
        parts.append(value + np.minimum(error, _room(run, value)))
    return np.concatenate([*parts, np.zeros(0)])


def _room(run: Run, value: np.ndarray) -> np.ndarray:
    """How far up a difference quotient may reach."""
    low, high = interval_of(run.prior, run.support)
    if run.support is Support.REAL:
        low = -np.inf
    return 0.4 * np.minimum(value - low, high - value)


def _inside(run: Run, value: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Moved into the bounds of the prior, away from them by part of what is between, or of an error."""
    low, high = interval_of(run.prior, run.support)
    if (low, high) == run.support.interval:
        return value
    between = high - low
    margin = 0.05 * between if np.isfinite(between) else np.maximum(0.5 * error, 1e-6)
    lowest = low + margin if np.isfinite(low) else low
    return np.clip(value, lowest, high - margin if np.isfinite(high) else high)


def _fill_thresholds(
    spec: Spec, layout: Layout, pilot: Pilot | FamilyPilot, center: np.ndarray, width: np.ndarray
) -> None:
    """The first threshold and the logarithms of the gaps, with their standard errors."""
    if not spec.thresholds:
        return
    n, span = len(spec.scalars), layout.thresholds.slice
    values, covariance = pilot.constants[n:], pilot.covariance[n:, n:]
    gaps = np.diff(values)
    slopes = np.diff(np.eye(len(values)), axis=0) / gaps[:, None]
    variances = np.einsum("ga,ab,gb->g", slopes, covariance, slopes)
    center[span] = np.concatenate([values[:1], np.log(gaps)])
    width[span] = np.minimum(np.sqrt(np.concatenate([covariance[0, :1], variances])), WIDEST)


def _fill_correlations(
    spec: Spec, layout: Layout, pilot: Pilot, center: np.ndarray, width: np.ndarray
) -> None:
    for b, span in enumerate(layout.cor):
        if span.stop > span.start:
            found = block_covariance(spec, pilot, b)
            structured = spec.blocks[b].structure is not None
            center[span.slice] = _rho(spec.blocks[b], found) if structured else _arctanh(found)
            levels = spec.factors[spec.blocks[b].factor].n_levels
            width[span.slice] = min(WIDEST, 1.5 / np.sqrt(levels))
    if spec.rescor is not None:
        center[layout.rescor.slice] = _arctanh(pilot.rescor)
        width[layout.rescor.slice] = spec.n_rows**-0.5
    if spec.cortime is not None:
        center[layout.cortime.slice] = _arctanh(pilot.cortime)
        width[layout.cortime.slice] = min(WIDEST, 1.5 * (len(spec.times) / spec.n_rows) ** 0.5)


def _arctanh(covariance: np.ndarray) -> np.ndarray:
    return correlation_unconstrained(_shrunk_correlations(covariance))


def _rho(block: Block, covariance: np.ndarray) -> float:
    """The coordinate of a structure's rho: the mean correlation of neighbours, or of all."""
    matrix = _shrunk_correlations(covariance)
    place = np.arange(1, block.size)
    pairs = (place, place - 1) if block.structure.in_turn else np.tril_indices(block.size, -1)
    return structured_unconstrained(block, matrix[pairs].mean())


def _shrunk_correlations(covariance: np.ndarray) -> np.ndarray:
    sd = np.sqrt(np.diag(covariance))
    matrix = CORRELATION_SHRINK * covariance / np.outer(sd, sd)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _effect_width(kind: Coordinates, spread: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """(Q, J) posterior standard deviations of the coordinates."""
    if kind is Coordinates.INFORMED:
        return np.ones(spread.shape[1:])
    if kind is Coordinates.NONCENTERED:
        inverse = np.linalg.inv(factor)
        spread = np.einsum("ab,bcj,dc->adj", inverse, spread, inverse)
    return np.sqrt(np.clip(np.einsum("qqj->qj", spread), 1e-16, None))
