"""Sufficient statistics: where sigma is constant within cells of rows, their cross-products replace the rows.

A cell is a set of rows of one level with one value of everything that sigma depends on. The cross-products
of the columns, accumulated once in float64 with columns centred and a pilot fit taken off the outcomes,
give the same moments as the rows at a cost that no longer depends on their number.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy import sparse

from hmlm.density.data import ModelData, block_columns, make_data, offsets_of, working_outcomes
from hmlm.density.differenced import (
    Differences,
    at_autocorrelation,
    is_sufficient,
    linear_and_square,
    n_stationary,
)
from hmlm.density.linear import coefficients_of, log_sigmas, predictor_of
from hmlm.density.mixing import Mixing
from hmlm.density.moments import Moments, Rest, inverse_covariance, outcomes_of
from hmlm.density.parameters import Parameters
from hmlm.density.pilot import Pilot
from hmlm.density.plan import Plan
from hmlm.density.pseudo_levels import (
    mixing_of_first,
    mixing_of_rows,
    of_pseudo_effects,
    of_pseudo_levels,
)
from hmlm.density.repetitions import (
    Repetitions,
    at_correlation,
    make_repetitions,
    make_series_sums,
    of_unit_sigma,
    scales_of_occasions,
)
from hmlm.density.residual_correlation import residual_factor
from hmlm.kernels.arrays import on_device
from hmlm.kernels.combine import combine
from hmlm.kernels.fusing import product, sum_of, together
from hmlm.kernels.gaussian import LOG_2PI
from hmlm.kernels.small import log_diagonal
from hmlm.kernels.tiles import Tiles
from hmlm.spec.spec import Spec
from hmlm.types import Design

FEWER = 4  # statistics are used where there are at least this many rows per cell


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CrossedStatistics:
    """Cross-products of the columns of S effects of other factors, where sigma is constant.

    Attributes:
        cross: (S, Q, J) by those of the first factor.
        square: (S, S).
        mixed: (B, S), of the basis with them.
    """

    cross: Array
    square: Array
    mixed: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Statistics:
    """Cross-products of B basis columns and Q varying columns over the rows of each of T cells.

    Attributes:
        cells: one row per cell, for the predictors of sigma.
        count: (T,) rows.
        basis: (B, B, T); total: (B, B, 1), their sum.
        mixed: (B, Q, T) basis by varying columns.
        varying: (Q, Q, T).
        outcome: (B, M), each outcome minus its pilot fit in the basis.
        columns: per outcome (B, P), the columns of its mean in the basis.
        pilot: per outcome (P,) pilot coefficients.
        groups: cells by level of the main factor.
        n_rows: N, of all cells.
        rest: of the effects of other factors that are integrated out, None where there are none.
        differences: what residuals in series make of them, None where residuals are independent.
    """

    cells: ModelData
    count: Array
    basis: Array
    total: Array
    mixed: Array
    varying: Array
    outcome: Array
    columns: tuple[Array, ...]
    pilot: tuple[Array, ...]
    groups: Tiles
    n_rows: Array
    rest: CrossedStatistics | None
    differences: Differences | Repetitions | None = None


def cell_moments(
    spec: Spec, plan: Plan, parameters: Parameters, u: list[Array], stats: Statistics
) -> Moments:
    """Moments from statistics; arguments as :func:`hmlm.density.moments.row_moments`."""
    if stats.differences is not None:
        return _moments_of_series(spec, plan, parameters, u, stats)
    log_sigma = log_sigmas(spec, parameters, u, stats.cells).reshape(len(spec.outcomes), -1)
    rescor = _residual_factor(spec, parameters, u, stats)
    weight = inverse_covariance(log_sigma, rescor)
    residual, weight = together(basis_residual(spec, parameters, stats), weight)
    outcome = np.array(outcomes_of(spec, plan, *plan.local), int)
    shift = _shift(spec, plan, u, stats)
    if shift is None and weight.shape[2] == 1:
        square, score = _constant_products(residual, weight[:, :, 0], outcome, stats)
    else:
        square, score = _products(residual, weight, shift, outcome, stats)
    rows = _log_rows(rescor, log_sigma, weight, square, stats)
    rest = None if stats.rest is None else _rest(spec, plan, weight[:, :, 0], residual, stats.rest)
    precision = _picked(_picked(weight, outcome).swapaxes(0, 1), outcome) * stats.varying
    return Moments(rows, _by_group(stats, precision), _by_group(stats, score), rest)


def _residual_factor(spec: Spec, parameters: Parameters, u: list[Array], stats: Statistics) -> Array | None:
    """(M, M) factor of the residual correlation, (M, M, T) where it differs between cells."""
    factor = residual_factor(spec, parameters, u, stats.cells)
    return factor if factor is None or factor.ndim == 2 else factor.reshape(*factor.shape[:2], -1)


def _moments_of_series(
    spec: Spec, plan: Plan, parameters: Parameters, u: list[Array], stats: Statistics
) -> Moments:
    """Moments of rows made independent: less a multiple of those before them, or of those of their series."""
    known = stats.differences
    if isinstance(known, Repetitions):
        (independent, gain), own = at_correlation(parameters, stats), of_unit_sigma(parameters, known)
    else:
        (independent, gain), own = at_autocorrelation(parameters, stats), parameters
    moments = cell_moments(spec, plan, own, u, independent)
    return moments._replace(log_rows=moments.log_rows + gain / moments.log_rows.size)


def _constant_products(
    residual: Array, weight: Array, outcome: np.ndarray, stats: Statistics
) -> tuple[Array, Array]:
    """``r'r`` (M, M, 1) and ``Z'Wr`` (Q, T) where sigma is constant and no mean is shifted."""
    weighted = sum_of([residual[:, m, None] * weight[m] for m in range(len(weight))])
    scores = combine(weighted, stats.mixed)
    own = scores[0] if len(scores) == 1 else jnp.stack([scores[m, q] for q, m in enumerate(outcome)])
    return _square(residual, stats.total), own


def _products(
    residual: Array, weight: Array, shift: Array | None, outcome: np.ndarray, stats: Statistics
) -> tuple[Array, Array]:
    """``r'r`` (M, M, T) and ``Z'Wr`` (Q, T)."""
    mixed = combine(residual, stats.mixed).swapaxes(0, 1)
    square = _square(residual, stats.basis)
    if shift is not None:
        mixed, square = _shifted(mixed, square, stats.varying, shift, outcome)
    return square, jnp.sum(_picked(weight, outcome) * mixed, axis=1)


def _rest(spec: Spec, plan: Plan, weight: Array, residual: Array, stats: CrossedStatistics) -> Rest:
    """F and g of the other factors' effects from statistics."""
    first = np.array(outcomes_of(spec, plan, plan.factors[0]), int)
    levels = [spec.factors[f].n_levels for f in plan.dense]
    outcomes = [np.repeat(outcomes_of(spec, plan, f), n) for f, n in zip(plan.dense, levels, strict=True)]
    own = np.eye(len(spec.outcomes))[np.concatenate(outcomes)]
    by_effect = jnp.matmul(own, weight, precision="highest")
    return Rest(
        cross=_picked(by_effect.T, first).T[:, :, None] * stats.cross,
        precision=jnp.matmul(by_effect, own.T, precision="highest") * stats.square,
        score=jnp.sum(by_effect * combine(residual, stats.mixed).T, axis=1),
    )


def _picked(values: Array, outcome: np.ndarray) -> Array:
    """(Q, ...) the (M, ...) entries of each coefficient's outcome; (1, ...) where there is one outcome."""
    return values if len(values) == 1 else jnp.stack([values[m] for m in outcome])


def _square(residual: Array, basis: Array) -> Array:
    """(M, M, T) ``r'Sr`` of residuals (B, M) in the basis, for S (B, B, T)."""
    size, n_outcomes = residual.shape
    pairs = residual[:, None, :, None] * residual[None, :, None, :]
    flat = combine(pairs.reshape(size * size, -1), basis.reshape(size * size, -1))
    return flat.reshape(n_outcomes, n_outcomes, -1)


def basis_residual(spec: Spec, parameters: Parameters, stats: Statistics) -> Array:
    """(B, M) residual of every outcome in the basis, without group effects."""
    parts = []
    for m in range(len(spec.outcomes)):
        beta = coefficients_of(parameters, (predictor_of(spec, m, "mu"),))
        parts.append(stats.outcome[:, m] - product(stats.columns[m], (beta - stats.pilot[m])[:, None])[:, 0])
    return jnp.stack(parts, axis=1)


def is_shifted(spec: Spec, plan: Plan) -> bool:
    """Whether sampled effects move the conditional mean of some that are integrated out."""
    return any(plan.blocks[b].n_sampled for f in plan.local for b, _ in plan.integrated(spec, f))


def _shift(spec: Spec, plan: Plan, u: list[Array], stats: Statistics) -> Array | None:
    """(Q, T) conditional means of the integrated effects given the sampled ones; None where zero."""
    if not is_shifted(spec, plan):
        return None
    terms = [(f, b, q) for f in plan.local for b, q in plan.integrated(spec, f)]
    shape = stats.cells.columns.shape[1:]
    parts = [jnp.broadcast_to(stats.cells.groups[f].expand(u[b][q]), shape) for f, b, q in terms]
    return jnp.stack(parts).reshape(len(parts), -1)


def _shifted(
    mixed: Array, square: Array, varying: Array, shift: Array, outcome: np.ndarray
) -> tuple[Array, Array]:
    """Cross-products of residuals after ``Z shift`` is taken off them."""
    own = jnp.asarray(outcome[:, None] == np.arange(square.shape[0]), mixed.dtype)
    by_outcome = own[:, :, None] * shift[:, None]
    carried = jnp.einsum("act,cmt->amt", varying, by_outcome, precision="highest")
    cross = jnp.einsum("amt,ant->mnt", by_outcome, mixed, precision="highest")
    again = jnp.einsum("amt,ant->mnt", by_outcome, carried, precision="highest")
    return mixed - carried, square - cross - cross.swapaxes(0, 1) + again


def _log_rows(
    rescor: Array | None, log_sigma: Array, weight: Array, square: Array, stats: Statistics
) -> Array:
    """(T,) log density of every cell's rows, (1,) of all of them where sigma is constant."""
    rows = stats.count if square.shape[-1] > 1 else stats.n_rows[None]
    log_det = jnp.sum(log_sigma, axis=0)
    if rescor is not None:
        log_det = log_det + log_diagonal(rescor)
    constant = 0.5 * LOG_2PI * log_sigma.shape[0]
    return -0.5 * jnp.sum(weight * square, axis=(0, 1)) - rows * (log_det + constant)


def _by_group(stats: Statistics, cells: Array) -> Array:
    return stats.groups.reduce(cells.reshape(*cells.shape[:-1], *stats.cells.columns.shape[1:]))


# --- on the host ----------------------------------------------------------------------------------


def make_statistics(
    spec: Spec, design: Design, plan: Plan, pilot: Pilot, mixing: Mixing
) -> Statistics | None:
    """Statistics of a model, None where rows are cheaper or sampled effects enter a mean.

    Effects of levels with a known covariance are those of their pseudo-levels, so that rows do not do.
    """
    if _needs_rows(spec, design, plan):
        return None
    scales = scales_of_occasions(spec, design)
    cell, first = _cells(spec, design, plan, () if scales is None else (scales.predictor,))
    if spec.in_turn and not is_sufficient(spec, design, cell):
        return None
    is_mixed = any(mixing[b] is not None for f in plan.factors for b, _ in plan.integrated(spec, f))
    if len(first) * FEWER > design.n_rows and not is_mixed:
        return None
    repeated = make_series_sums(design.outcomes[0].repeated) if spec.repeated else None
    if repeated and not (repeated.are_few(len(first) * FEWER) and repeated.lie_in(cell)):
        return None
    basis, maps = _basis(spec, pilot)
    varying = _varying(spec, design, plan, plan.local)
    residual = np.stack([_pilot_residual(spec, design, pilot, m) for m in range(len(spec.outcomes))])
    full = np.concatenate([basis, residual])
    n_basis = len(basis)
    pad = [np.vstack([m, np.zeros((len(residual), m.shape[1]))]) for m in maps]
    columns, split = np.concatenate([full, varying]), len(full)
    cells, tiling = make_data(spec, design, plan, first)
    local = mixing_of_rows(spec, design, plan, mixing)

    def products(columns: np.ndarray, of: np.ndarray = cell) -> np.ndarray:
        found = _cross_products(columns, of, len(first))
        by_cell = tiling.place(found if local is None else of_pseudo_levels(found, split, local))
        return by_cell.reshape(*by_cell.shape[:2], -1)

    differences = None
    if repeated:
        parts = [_parts(part, split) for part in repeated.products(columns, cell, products)]
        differences = make_repetitions(repeated, parts, scales)
    if spec.in_turn:
        linear, square = linear_and_square(spec, design, columns, products)
        n_first = on_device(n_stationary(spec, design))
        differences = Differences(_parts(linear, split), _parts(square, split), n_first)
    return Statistics(
        cells=cells,
        count=on_device(tiling.place(np.bincount(cell, minlength=len(first)).astype(float)).ravel()),
        **_parts(products(columns), split),
        outcome=on_device(np.eye(split)[:, n_basis:]),
        columns=tuple(on_device(m) for m in pad),
        pilot=tuple(on_device(_mean_coefficients(spec, pilot, m)) for m in range(len(spec.outcomes))),
        groups=tiling.tiles,
        n_rows=on_device(float(design.n_rows)),
        rest=_crossed(spec, design, plan, varying, full, mixing) if plan.dense else None,
        differences=differences,
    )


def _needs_rows(spec: Spec, design: Design, plan: Plan) -> bool:
    """Whether no cross-products do, however the rows fall into cells."""
    return bool(
        not spec.normal
        or spec.multiple
        or offsets_of(spec, design)
        or _samples_location(spec, plan)
        or (plan.dense and any(p.dpar != "mu" for p in spec.predictors))
        or (plan.dense and spec.autocor)
    )


def _parts(products: np.ndarray, split: int) -> dict[str, Array]:
    """Basis, total, mixed and varying of the (A, A, T) cross-products, the first ``split`` the basis."""
    basis = products[:split, :split]
    return {
        "basis": on_device(basis),
        "total": on_device(basis.sum(2, keepdims=True)),
        "mixed": on_device(products[:split, split:]),
        "varying": on_device(products[split:, split:]),
    }


def _varying(spec: Spec, design: Design, plan: Plan, factors: tuple[int, ...]) -> np.ndarray:
    """(Q, N) columns of the coefficients of these factors that are integrated out."""
    blocks = [block_columns(block, design) for block in spec.blocks]
    columns = [blocks[b][q] for f in factors for b, q in plan.integrated(spec, f)]
    return np.array(columns).reshape(len(columns), design.n_rows)


def _crossed(
    spec: Spec, design: Design, plan: Plan, varying: np.ndarray, basis: np.ndarray, mixing: Mixing
) -> CrossedStatistics:
    """Statistics of all factors but the first, whose columns ``varying`` are."""
    rows = np.arange(design.n_rows)
    one_hot = [
        sparse.csr_matrix((column, (rows, design.factors[f].index)), (len(rows), spec.factors[f].n_levels))
        for f in plan.dense
        for column in _varying(spec, design, plan, (f,))
    ]
    effects = sparse.hstack(one_hot).tocsr()
    index, levels = design.factors[plan.factors[0]].index, spec.factors[plan.factors[0]].n_levels
    cross = [effects.T @ sparse.csr_matrix((z, (rows, index)), (len(rows), levels)) for z in varying]
    mixed = lambda rows: of_pseudo_effects(spec, plan, rows, mixing)  # noqa: E731
    first = mixing_of_first(spec, plan, mixing)
    crossed = mixed(np.stack([part.toarray() for part in cross], axis=1))
    return CrossedStatistics(
        cross=on_device(crossed if first is None else crossed @ first),
        square=on_device(mixed(mixed((effects.T @ effects).toarray()).T)),
        mixed=on_device(mixed(effects.T @ basis.T).T),
    )


def _samples_location(spec: Spec, plan: Plan) -> bool:
    return any(
        spec.predictors[term.predictor].dpar == "mu"
        for block, part in zip(spec.blocks, plan.blocks, strict=True)
        for term in block.terms[: part.n_sampled]
    )


def _cells(
    spec: Spec, design: Design, plan: Plan, without: tuple[int, ...] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) cell of each row and (T,) a row of each cell, cells sorted by level.

    Predictors ``without`` may differ within a cell.
    """
    keys = [np.zeros(design.n_rows) if not plan.factors else design.factors[plan.factors[0]].index]
    for p, predictor in enumerate(spec.predictors):
        if predictor.dpar != "mu" and p not in without:
            keys.extend(design.predictors[p].population.matrix.T)
    for block in spec.blocks:
        own = [q for q, term in enumerate(block.terms) if spec.predictors[term.predictor].dpar != "mu"]
        keys.extend(block_columns(block, design)[own])
        keys.extend([design.factors[block.factor].index] if own else [])
    _, first, cell = np.unique(np.stack(keys), axis=1, return_index=True, return_inverse=True)
    return cell.ravel(), first


def _basis(spec: Spec, pilot: Pilot) -> tuple[np.ndarray, list[np.ndarray]]:
    """Distinct columns of all means, and per outcome the (B, P) positions of its own among them."""
    rows: list[np.ndarray] = []
    maps = []
    for m in range(len(spec.outcomes)):
        columns = pilot.working[predictor_of(spec, m, "mu")].columns
        positions = [_position(rows, column) for column in columns]
        maps.append(positions)
    n_basis, n_rows = len(rows), pilot.residual.shape[1]
    return np.array(rows).reshape(n_basis, n_rows), [np.eye(n_basis)[:, positions] for positions in maps]


def _position(rows: list[np.ndarray], column: np.ndarray) -> int:
    for i, row in enumerate(rows):
        if np.array_equal(row, column):
            return i
    rows.append(column)
    return len(rows) - 1


def _pilot_residual(spec: Spec, design: Design, pilot: Pilot, m: int) -> np.ndarray:
    working = pilot.working[predictor_of(spec, m, "mu")]
    return working_outcomes(spec, design)[m] - working.beta @ working.columns


def _mean_coefficients(spec: Spec, pilot: Pilot, m: int) -> np.ndarray:
    return pilot.working[predictor_of(spec, m, "mu")].beta


def _cross_products(columns: np.ndarray, cell: np.ndarray, n_cells: int) -> np.ndarray:
    """(A, A, T) sums over the rows of each cell, rows sorted by cell."""
    order = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[order], np.arange(n_cells))
    columns = columns[:, order]
    out = np.empty((len(columns), len(columns), n_cells))
    for a, left in enumerate(columns):
        out[a, : a + 1] = out[: a + 1, a] = np.add.reduceat(left * columns[: a + 1], starts, axis=1)
    return out
