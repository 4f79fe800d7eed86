"""A quick point estimate on the host: where chains start, and what informed coordinates are built from.

Each linear predictor is a weighted mixed model of its working response (penalised quasi-likelihood):
means of their outcome, log sigmas by one Fisher-scoring step per sweep. Nothing here touches the
posterior: it only chooses coordinates and starting points.

References:
    Breslow & Clayton (1993), doi:10.1080/01621459.1993.10594284
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hmlm.density.data import offsets_of, working_outcomes
from hmlm.density.family_pilot import FamilyPilot, fit_family_pilot
from hmlm.density.linear import predictor_of
from hmlm.density.residual_correlation import (
    correlation_information,
    correlation_matrices,
    correlation_score,
)
from hmlm.density.starting_models import starting_models
from hmlm.density.working import GroupSum, Working, em_step
from hmlm.spec.spec import Spec
from hmlm.types import Design, Repeated

SWEEPS = 25
LARGEST_AUTOCORRELATION = 0.9
LARGEST_ETA = 3.0  # of a row's residual correlation on the scale of atanh
SMALLEST_SHARED = 0.05  # of residuals of one series, and of the eigenvalues of their correlations
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
        eta_rescor: (N,) atanh of each row's residual correlation where that has a formula, else None.
        autocorrelation: of the residuals with those before them in their series, or with all others of it;
            0 without series.
        cortime: (T, T) correlations of the residuals of occasions; None where they have none.
    """

    working: tuple[Working, ...]
    sigma: np.ndarray
    rescor: np.ndarray
    residual: np.ndarray
    log_sigma: np.ndarray
    autocorrelation: float = 0.0
    eta_rescor: np.ndarray | None = None
    cortime: np.ndarray | None = None

    @property
    def correlations(self) -> np.ndarray:
        """(M, M, N) residual correlations of the rows, (M, M, 1) where they are the same."""
        return self.rescor[:, :, None] if self.eta_rescor is None else correlation_matrices(self.eta_rescor)


def fit_pilot(spec: Spec, design: Design) -> Pilot | FamilyPilot:
    """The pilot estimate of a model; some tens of milliseconds for 10 000 rows."""
    return _fit_normal(spec, design) if spec.normal else fit_family_pilot(spec, design)


def _fit_normal(spec: Spec, design: Design) -> Pilot:
    outcomes = working_outcomes(spec, design)
    working = list(starting_models(spec, design, _variances(spec, outcomes)))
    offsets = offsets_of(spec, design)
    log_sigma = np.log(np.maximum(outcomes.std(axis=1), 1e-12))[:, None] * np.ones(outcomes.shape)
    for sweep in range(SWEEPS):
        for m, values in enumerate(outcomes):
            mu = predictor_of(spec, m, "mu")
            working[mu] = em_step(working[mu], values, np.exp(-2 * log_sigma[m]))
            square = (values - working[mu].eta()) ** 2 + working[mu].leverage()
            log_sigma[m] = _scale_step(spec, m, working, square, log_sigma[m], offsets, first=sweep == 0)
        eta_rescor = _correlation_step(spec, working, outcomes, log_sigma, offsets)
    residual = outcomes - np.stack([working[predictor_of(spec, m, "mu")].eta() for m in range(len(outcomes))])
    standardised = residual * np.exp(-log_sigma)
    return Pilot(
        working=tuple(working),
        sigma=np.exp(log_sigma).mean(axis=1),
        rescor=_correlation(standardised) if spec.rescor is not None else np.eye(len(outcomes)),
        residual=residual,
        log_sigma=log_sigma,
        autocorrelation=_autocorrelation(design, standardised[0]),
        eta_rescor=eta_rescor,
        cortime=_cortime(design.outcomes[0].repeated, standardised[0]),
    )


def _correlation_step(
    spec: Spec,
    working: list[Working],
    outcomes: np.ndarray,
    log_sigma: np.ndarray,
    offsets: Mapping[int, np.ndarray],
) -> np.ndarray | None:
    """Next (N,) atanh of the residual correlation, None where it has no formula."""
    p = spec.rescor_predictor
    if p is None:
        return None
    offset = offsets.get(p, 0.0)
    means = [working[predictor_of(spec, m, "mu")] for m in range(len(outcomes))]
    inverse = np.exp(-log_sigma)
    scaled = (outcomes - np.stack([mean.eta() for mean in means])) * inverse
    left = np.stack([mean.leverage() for mean in means]) * inverse**2
    eta = np.clip(working[p].eta() + offset, -LARGEST_ETA, LARGEST_ETA)
    score = correlation_score(eta, (scaled**2 + left).sum(0), scaled.prod(0))
    weight = correlation_information(np.tanh(eta))
    step = np.clip(score / weight, -LARGEST_SCORE, LARGEST_SCORE)
    working[p] = em_step(working[p], eta + step - offset, weight)
    return np.clip(working[p].eta() + offset, -LARGEST_ETA, LARGEST_ETA)


def _autocorrelation(design: Design, standardised: np.ndarray) -> float:
    """Regression of (N,) residuals on those before them, kept off the bounds."""
    series, repeated = design.outcomes[0].series, design.outcomes[0].repeated
    if repeated is not None:
        return _between_rows(repeated, standardised)
    if series is None:
        return 0.0
    later = np.flatnonzero(series.previous >= 0)
    before = standardised[series.previous[later]]
    slope = np.sum(standardised[later] * before) / max(np.sum(before**2), 1e-300)
    return float(np.clip(slope, -LARGEST_AUTOCORRELATION, LARGEST_AUTOCORRELATION))


def _between_rows(repeated: Repeated, standardised: np.ndarray) -> float:
    """Mean product of two (N,) residuals of one series, kept off zero and one."""
    sizes, sums = (np.bincount(repeated.index, weights) for weights in (None, standardised))
    pairs = np.sum(sizes * (sizes - 1.0))
    mean = (np.sum(sums**2) - np.sum(standardised**2)) / max(pairs, 1.0)
    return float(np.clip(mean, SMALLEST_SHARED, LARGEST_AUTOCORRELATION))


def _cortime(repeated: Repeated | None, standardised: np.ndarray) -> np.ndarray | None:
    """(T, T) positive definite correlations of (N,) residuals of occasions, from series that have both."""
    if repeated is None or not repeated.times:
        return None
    table = np.zeros((int(repeated.index.max()) + 1, len(repeated.times)))
    has = np.zeros_like(table)
    table[repeated.index, repeated.place], has[repeated.index, repeated.place] = standardised, 1.0
    pairs = has.T @ has
    sd = np.sqrt(np.sum(table**2, axis=0) / np.diag(pairs))
    products = table.T @ table / np.maximum(pairs, 1.0)
    matrix = np.clip(products / np.outer(sd, sd), -LARGEST_AUTOCORRELATION, LARGEST_AUTOCORRELATION)
    np.fill_diagonal(matrix, 1.0)
    values, vectors = np.linalg.eigh(matrix)
    mended = (vectors * np.maximum(values, SMALLEST_SHARED)) @ vectors.T
    return mended / np.sqrt(np.outer(np.diag(mended), np.diag(mended)))


def _scale_step(
    spec: Spec,
    m: int,
    working: list[Working],
    square: np.ndarray,
    log_sigma: np.ndarray,
    offsets: Mapping[int, np.ndarray],
    *,
    first: bool,
) -> np.ndarray:
    """Next (N,) log sigma of outcome ``m`` given expected squared residuals."""
    if spec.sigma[m] is not None:
        return np.full_like(log_sigma, 0.5 * np.log(np.maximum(square.mean(), 1e-300)))
    p = predictor_of(spec, m, "sigma")
    offset = offsets.get(p, 0.0)
    if first:
        response = _group_log_scale(working[p], square)
    else:
        score = square * np.exp(-2 * log_sigma) - 1.0
        response = log_sigma + np.minimum(0.5 * score, LARGEST_SCORE)
    working[p] = em_step(working[p], response - offset, np.full_like(square, 2.0))
    return working[p].eta() + offset


def _group_log_scale(working: Working, square: np.ndarray) -> np.ndarray:
    """Half the log mean square of each row's group, drawn a little to the overall one."""
    overall = square.mean()
    if not working.varying:
        return np.full_like(square, 0.5 * np.log(overall))
    sums: GroupSum = working.varying[0].sums
    mean = (sums(square) + 2.0 * overall) / (sums(np.ones_like(square)) + 2.0)
    return 0.5 * np.log(sums.expand(mean))


def _variances(spec: Spec, outcomes: np.ndarray) -> list[float]:
    """Per predictor a first guess of the variance of its group effects together."""
    return [0.5 * float(outcomes[p.response].var()) if p.dpar == "mu" else 0.25 for p in spec.predictors]


def _correlation(rows: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.corrcoef(rows))


def block_covariance(spec: Spec, pilot: Pilot | FamilyPilot, b: int) -> np.ndarray:
    """(Q, Q) covariance of a block's effects between levels, from its modes and spreads."""
    mode, spread = block_modes(spec, pilot, b)
    return np.cov(mode, bias=True).reshape(len(mode), len(mode)) + spread.mean(2)


def block_modes(spec: Spec, pilot: Pilot | FamilyPilot, b: int) -> tuple[np.ndarray, np.ndarray]:
    """(Q, J) modes and (Q, Q, J) conditional covariances of a block over its predictors."""
    size, n_levels = spec.blocks[b].size, spec.factors[spec.blocks[b].factor].n_levels
    mode, spread = np.zeros((size, n_levels)), np.zeros((size, size, n_levels))
    for part in (part for working in pilot.working for part in working.varying if part.block == b):
        positions = list(part.positions)
        mode[positions] = part.mode
        spread[np.ix_(positions, positions)] = part.spread
    return mode, spread
