"""A quick point estimate on the host: where chains start, and what informed coordinates are built from.

Each linear predictor is a weighted mixed model of its working response (penalised quasi-likelihood):
means of their outcome, log sigmas by one Fisher-scoring step per sweep. Nothing here touches the
posterior: it only chooses coordinates and starting points.

References:
    Breslow & Clayton (1993), doi:10.1080/01621459.1993.10594284
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hmlm.density.data import block_columns, column_means
from hmlm.density.linear import predictor_of
from hmlm.density.working import GroupSum, Varying, Working, em_step, group_sum
from hmlm.spec.spec import Block, Spec
from hmlm.types import Design

SWEEPS = 25
LARGEST_SCORE = 6.0  # largest step of log sigma that one row may ask for


@dataclass(frozen=True)
class Pilot:
    """A pilot estimate.

    Attributes:
        working: per predictor, its coefficients and varying parts.
        sigma: (M,) residual standard deviations (root mean square where sigma has a formula).
        rescor: (M, M) correlation of the standardised residuals.
        residual: (M, N) outcome minus fitted mean.
        log_sigma: (M, N).
    """

    working: tuple[Working, ...]
    sigma: np.ndarray
    rescor: np.ndarray
    residual: np.ndarray
    log_sigma: np.ndarray


def fit_pilot(spec: Spec, design: Design) -> Pilot:
    """The pilot estimate of a model; some tens of milliseconds for 10 000 rows."""
    working = list(_start(spec, design))
    outcomes = np.stack([outcome.values for outcome in design.outcomes])
    log_sigma = np.log(np.maximum(outcomes.std(axis=1), 1e-12))[:, None] * np.ones(outcomes.shape)
    for sweep in range(SWEEPS):
        for m, values in enumerate(outcomes):
            mu = predictor_of(spec, m, "mu")
            working[mu] = em_step(working[mu], values, np.exp(-2 * log_sigma[m]))
            square = (values - working[mu].eta()) ** 2 + working[mu].leverage()
            log_sigma[m] = _scale_step(spec, m, working, square, log_sigma[m], first=sweep == 0)
    residual = outcomes - np.stack([working[predictor_of(spec, m, "mu")].eta() for m in range(len(outcomes))])
    standardised = residual * np.exp(-log_sigma)
    return Pilot(
        working=tuple(working),
        sigma=np.exp(log_sigma).mean(axis=1),
        rescor=_correlation(standardised) if spec.rescor is not None else np.eye(len(outcomes)),
        residual=residual,
        log_sigma=log_sigma,
    )


def _scale_step(
    spec: Spec, m: int, working: list[Working], square: np.ndarray, log_sigma: np.ndarray, *, first: bool
) -> np.ndarray:
    """Next (N,) log sigma of outcome ``m`` given expected squared residuals."""
    if spec.sigma[m] is not None:
        return np.full_like(log_sigma, 0.5 * np.log(np.maximum(square.mean(), 1e-300)))
    p = predictor_of(spec, m, "sigma")
    if first:
        response = _group_log_scale(working[p], square)
    else:
        score = square * np.exp(-2 * log_sigma) - 1.0
        response = log_sigma + np.minimum(0.5 * score, LARGEST_SCORE)
    working[p] = em_step(working[p], response, np.full_like(square, 2.0))
    return working[p].eta()


def _group_log_scale(working: Working, square: np.ndarray) -> np.ndarray:
    """Half the log mean square of each row's group, drawn a little to the overall one."""
    overall = square.mean()
    if not working.varying:
        return np.full_like(square, 0.5 * np.log(overall))
    sums: GroupSum = working.varying[0].sums
    mean = (sums(square) + 2.0 * overall) / (sums(np.ones_like(square)) + 2.0)
    return 0.5 * np.log(mean)[sums.index]


def _start(spec: Spec, design: Design) -> list[Working]:
    means = column_means(spec, design)
    sums = [group_sum(factor.index, len(factor.levels)) for factor in design.factors]
    columns = [block_columns(block, design) for block in spec.blocks]
    out = []
    for p, predictor in enumerate(spec.predictors):
        population = (design.predictors[p].population.matrix - means[p]).T
        if predictor.intercept is not None:
            population = np.vstack([np.ones(design.n_rows), population])
        scale = _start_variance(predictor.dpar, design.outcomes[predictor.response].values)
        varying = tuple(
            _start_part(block, b, p, columns[b], sums[block.factor], scale)
            for b, block in enumerate(spec.blocks)
            if any(term.predictor == p for term in block.terms)
        )
        size = len(population)
        out.append(Working(population, np.zeros(size), np.eye(size), varying))
    return out


def _start_variance(dpar: str, outcome: np.ndarray) -> float:
    return 0.5 * float(outcome.var()) if dpar == "mu" else 0.25


def _start_part(
    block: Block, b: int, p: int, columns: np.ndarray, sums: GroupSum, variance: float
) -> Varying:
    positions = tuple(q for q, term in enumerate(block.terms) if term.predictor == p)
    own = columns[list(positions)]
    covariance = np.diag(variance / len(positions) / np.maximum(np.mean(own**2, axis=1), 1e-300))
    n_groups = sums.operator.shape[0]
    mode = np.zeros((len(positions), n_groups))
    return Varying(b, positions, own, sums, covariance, mode, covariance[:, :, None] * np.ones(n_groups))


def _correlation(rows: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.corrcoef(rows))


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
