"""What the data say about each level's effects, at the pilot estimate: the stuff of informed coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np

from hmlm.density.coordinates import Information
from hmlm.density.data import block_columns
from hmlm.density.family_pilot import FamilyPilot
from hmlm.density.mixing import Mixing, known_covariance, mixing_matrix
from hmlm.density.pilot import Pilot, block_covariance
from hmlm.density.plan import BlockPlan, Plan, sampled_plan
from hmlm.density.precision import double_precision
from hmlm.density.residual_correlation import correlation_information, correlation_score
from hmlm.density.working import GroupSum
from hmlm.kernels.arrays import on_device
from hmlm.spec.spec import RESCOR_DPAR, Predictor, Spec
from hmlm.types import Design

WELL_KNOWN = 0.7  # share of an effect's variance that its own rows explain, on average

Weight = Callable[[int, int], np.ndarray | None]


def settle(spec: Spec, design: Design, pilot: Pilot, plan: Plan) -> Plan:
    """The plan with what it left to the pilot: how many of a block's effects inform those that are sampled.

    Where the sampled effects are hardly known by themselves, what is known of the integrated ones tells about
    them through their correlations, and moves with these; where they are well known it only costs.
    """
    weight = _fisher_weights(spec, pilot, plan)

    def settled(b: int, part: BlockPlan) -> BlockPlan:
        if part.n_informing is not None or part.n_sampled == 0:
            return part
        alone = part.n_sampled == spec.blocks[b].size or _well_known(spec, design, pilot, b, part, weight)
        return replace(part, n_informing=part.n_sampled if alone else spec.blocks[b].size)

    return replace(plan, blocks=tuple(settled(b, part) for b, part in enumerate(plan.blocks)))


def _well_known(spec: Spec, design: Design, pilot: Pilot, b: int, part: BlockPlan, weight: Weight) -> bool:
    """Whether the rows of some sampled effect explain most of its variance, averaged over levels."""
    block, n = spec.blocks[b], part.n_sampled
    columns = block_columns(block, design)[:n]
    own = [term.predictor for term in block.terms[:n]]
    variance = np.diag(block_covariance(spec, pilot, b))
    left = [
        np.mean(1.0 / (1.0 + variance[q] * _sums(pilot, b, own[q])(columns[q] ** 2 * weight(own[q], own[q]))))
        for q in range(n)
    ]
    return 1.0 - min(left) >= WELL_KNOWN


def make_mixing(spec: Spec, design: Design, pilot: Pilot | FamilyPilot) -> Mixing:
    """Per block with a known covariance between levels the (J, J) matrix that mixes them, else None.

    It makes the rows' information on a coefficient diagonal, that on several as far as they are alike.
    """
    if all(block.known is None for block in spec.blocks):
        return (None,) * len(spec.blocks)
    weight = _fisher_weights(spec, pilot, sampled_plan(spec))
    return tuple(
        None if block.known is None else _mixing(spec, design, pilot, b, weight)
        for b, block in enumerate(spec.blocks)
    )


def _mixing(spec: Spec, design: Design, pilot: Pilot | FamilyPilot, b: int, weight: Weight) -> np.ndarray:
    block = spec.blocks[b]
    known = [
        _sums(pilot, b, term.predictor)(column**2 * weight(term.predictor, term.predictor))
        for term, column in zip(block.terms, block_columns(block, design), strict=True)
    ]
    precision = np.mean([own / own.mean() for own in known], axis=0)
    return mixing_matrix(known_covariance(block, design), precision)


def make_information(
    spec: Spec, design: Design, pilot: Pilot, plan: Plan, mixing: Mixing | None = None
) -> tuple[Information | None, ...]:
    """Per block the :class:`Information` on its effects in float64, None where none of them is sampled.

    Given the ``mixing`` of levels with a known covariance, on the effects of their independent pseudo-levels.
    """
    weight = _fisher_weights(spec, pilot, plan)
    score = _scores(spec, pilot, plan)
    with double_precision():
        return tuple(
            _block(
                spec,
                design,
                pilot,
                b,
                part.n_informing or part.n_sampled,
                weight,
                score,
                mixing and mixing[b],
            )
            if part.n_sampled
            else None
            for b, part in enumerate(plan.blocks)
        )


def _block(
    spec: Spec,
    design: Design,
    pilot: Pilot,
    b: int,
    size: int,
    weight: Weight,
    score: list[np.ndarray],
    mixing: np.ndarray | None,
) -> Information:
    block = spec.blocks[b]
    columns = block_columns(block, design)[:size]
    own = [term.predictor for term in block.terms[:size]]
    predictors = tuple(sorted(set(own)))
    sums = _sums(pilot, b, own[0])
    target = {p: _own_rows(pilot, p, b) for p in predictors}
    precision = _pair_sums(sums, columns, own, columns, own, weight)
    population = np.concatenate([pilot.working[p].columns for p in predictors])
    owner = [p for p in predictors for _ in range(len(pilot.working[p].columns))]
    cross = _pair_sums(sums, columns, own, population, owner, weight)
    right = np.stack([score[p] + _weighted(weight, p, target) for p in own])
    constants = _thresholds(spec, predictors)
    with_thresholds = _threshold_sums(spec, pilot, constants, sums, columns, own)
    known = sums(columns * right) + np.einsum("apj,p->aj", with_thresholds, _values(spec, pilot, constants))
    cross = np.concatenate([cross, with_thresholds], axis=1)
    if mixing is not None:
        precision, known, cross = precision @ mixing**2, known @ mixing, cross @ mixing
    return Information(
        precision=on_device(precision),
        score=on_device(known),
        cross=on_device(cross.swapaxes(0, 1)),
        projection=on_device(_projection(precision, cross).swapaxes(0, 1)),
        predictors=predictors,
        constants=constants,
    )


def _thresholds(spec: Spec, predictors: tuple[int, ...]) -> tuple[tuple[int, str], ...]:
    """The thresholds that the levels of these predictors are measured against."""
    located = {spec.predictors[p].response for p in predictors if spec.predictors[p].dpar == "mu"}
    return tuple((c.response, c.dpar) for c in spec.thresholds if c.response in located)


def _values(spec: Spec, pilot: Pilot | FamilyPilot, constants: tuple[tuple[int, str], ...]) -> np.ndarray:
    known = {(c.response, c.dpar): i for i, c in enumerate(spec.constants)}
    return np.array([pilot.constants[known[key]] for key in constants])


def _threshold_sums(
    spec: Spec,
    pilot: Pilot | FamilyPilot,
    constants: tuple[tuple[int, str], ...],
    sums: GroupSum,
    columns: np.ndarray,
    own: list[int],
) -> np.ndarray:
    """(A, T, J) cross-information of a block's coefficients with thresholds."""
    out = np.zeros((len(own), len(constants), sums.operator.shape[0]))
    for a, p in enumerate(own):
        for k, (m, dpar) in enumerate(constants):
            rows = pilot.cross.get((m, spec.predictors[p].dpar, dpar))
            out[a, k] = 0.0 if rows is None else sums(columns[a] * rows)
    return out


def _sums(pilot: Pilot, b: int, p: int) -> GroupSum:
    return next(part.sums for part in pilot.working[p].varying if part.block == b)


def _own_rows(pilot: Pilot, p: int, b: int) -> np.ndarray:
    """The predictor less what other blocks contribute: what this block and beta have to explain."""
    working = pilot.working[p]
    return working.eta() - sum(part.rows() for part in working.varying if part.block != b)


def _weighted(weight: Weight, p: int, target: dict[int, np.ndarray]) -> np.ndarray:
    parts = [w * rows for q, rows in target.items() if (w := weight(p, q)) is not None]
    return np.sum(parts, axis=0)


def _pair_sums(
    sums: GroupSum, left: np.ndarray, own: list[int], right: np.ndarray, owner: list[int], weight: Weight
) -> np.ndarray:
    """(A, B, J) sums over the rows of each group of ``left_a * weight * right_b``."""
    out = np.zeros((len(left), len(right), sums.operator.shape[0]))
    for a, c in product(range(len(left)), range(len(right))):
        w = weight(own[a], owner[c])
        if w is not None:
            out[a, c] = sums(left[a] * w * right[c])
    return out


def _projection(precision: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """Pseudo-inverse of each group's precision times its cross-information."""
    inverse = np.linalg.pinv(precision.transpose(2, 0, 1), rcond=1e-8, hermitian=True)
    return np.einsum("jab,bpj->apj", inverse, cross)


def _fisher_weights(spec: Spec, pilot: Pilot | FamilyPilot, plan: Plan) -> Weight:
    """Expected Fisher information per row between two predictors; None where it is zero, or neglected."""
    if isinstance(pilot, FamilyPilot):
        return lambda p, q: _of_pair(spec, pilot, p, q)
    inverse = _inverse(pilot.correlations)
    scale = np.eye(len(inverse))[:, :, None] + pilot.correlations * inverse
    inverse_sigma = np.exp(-pilot.log_sigma)
    known = 1.0 - _leverage(spec, pilot, plan)

    def weight(p: int, q: int) -> np.ndarray | None:
        a, b = spec.predictors[p], spec.predictors[q]
        if RESCOR_DPAR in (a.dpar, b.dpar):
            return _of_correlation(pilot, known, a, b)
        if a.dpar != b.dpar:
            return None
        if a.dpar == "sigma":
            return _or_none(scale[a.response, b.response], np.sqrt(known[a.response] * known[b.response]))
        pair = inverse_sigma[a.response] * inverse_sigma[b.response]
        return _or_none(inverse[a.response, b.response], pair)

    return weight


def _of_correlation(pilot: Pilot, known: np.ndarray, a: Predictor, b: Predictor) -> np.ndarray | None:
    """Information shared by atanh of the residual correlation with itself or a log sigma.

    ``known`` (2, N) takes from log sigmas what uncertain locations take; from this the geometric mean.
    """
    rho, own = np.tanh(pilot.eta_rescor), np.sqrt(known[0] * known[1])
    if a.dpar == b.dpar:
        return correlation_information(rho) * own
    other = a if b.dpar == RESCOR_DPAR else b
    return -rho * np.sqrt(known[other.response] * own) if other.dpar == "sigma" else None


def _inverse(matrices: np.ndarray) -> np.ndarray:
    """(M, M, N) inverses."""
    return np.linalg.inv(matrices.transpose(2, 0, 1)).transpose(1, 2, 0)


def _of_pair(spec: Spec, pilot: FamilyPilot, p: int, q: int) -> np.ndarray | None:
    if p == q:
        return pilot.fisher[p]
    a, b = spec.predictors[p], spec.predictors[q]
    if a.response != b.response:
        return None
    one_way = pilot.cross.get((a.response, a.dpar, b.dpar))
    return pilot.cross.get((a.response, b.dpar, a.dpar)) if one_way is None else one_way


def _or_none(value: np.ndarray, rows: np.ndarray) -> np.ndarray | None:
    return value * rows if value.any() else None


def _leverage(spec: Spec, pilot: Pilot, plan: Plan) -> np.ndarray:
    """(M, N) share of a row's variance that is uncertainty about effects that are integrated out."""
    out = np.zeros(pilot.residual.shape)
    if not plan.factors:
        return out
    for p, working in zip(spec.predictors, pilot.working, strict=True):
        if p.dpar == "mu":
            out[p.response] = working.leverage() * np.exp(-2 * pilot.log_sigma[p.response])
    return np.clip(out, 0.0, 0.9)


def _scores(spec: Spec, pilot: Pilot | FamilyPilot, plan: Plan) -> list[np.ndarray]:
    """Per predictor the (N,) gradient of the rows' log likelihood, integrated effects averaged over."""
    if isinstance(pilot, FamilyPilot):
        return list(pilot.score)
    scaled = pilot.residual * np.exp(-pilot.log_sigma)
    white = np.sum(_inverse(pilot.correlations) * scaled, axis=1)
    leverage = _leverage(spec, pilot, plan)

    def score(p: Predictor) -> np.ndarray:
        m = p.response
        if p.dpar == RESCOR_DPAR:
            square = (scaled**2 + leverage).sum(0)
            return correlation_score(pilot.eta_rescor, square, scaled.prod(0))
        if p.dpar == "sigma":
            return scaled[m] * white[m] + leverage[m] - 1.0
        return white[m] * np.exp(-pilot.log_sigma[m])

    return [score(p) for p in spec.predictors]
