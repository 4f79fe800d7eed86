"""The likelihood by a fused kernel: coefficients by group go in, value and gradient come out of one call."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from hmlm.density.backend import Backend
from hmlm.density.canonical import canonical_log_likelihood, make_canonical_data
from hmlm.density.data import ModelData, in_table_order, main_groups
from hmlm.density.linear import log_sigmas, main_coefficients, predictor_of, stacked
from hmlm.density.moments import outcomes_of, residual_precision
from hmlm.density.parameters import Parameters
from hmlm.density.plan import Plan
from hmlm.density.state import DensityData, Static, prior_of_integrated
from hmlm.density.statistics import Statistics, basis_residual, is_shifted
from hmlm.kernels import pallas
from hmlm.kernels.cells import CellData, CellPoint, CellTerms
from hmlm.kernels.fused import Evaluate, fused
from hmlm.kernels.gaussian import LOG_2PI
from hmlm.kernels.native.bundles import BundledRows, bundle_rows
from hmlm.kernels.native.cells import evaluate_cells
from hmlm.kernels.native.glm import BundledGlm
from hmlm.kernels.native.rows import evaluate_rows
from hmlm.kernels.rows import RowPoint, RowTerms, Term
from hmlm.kernels.small import log_diagonal
from hmlm.spec.spec import Spec
from hmlm.types import Design

Coefficients = list[tuple[Term, Array]]
FusedData = BundledRows | BundledGlm | CellData | pallas.RowTiles | pallas.LaneCells

EVALUATE_ROWS: dict[Backend, Evaluate] = {
    Backend.NATIVE: evaluate_rows,
    Backend.PALLAS: pallas.evaluate_rows,
}
EVALUATE_CELLS: dict[Backend, Evaluate] = {
    Backend.NATIVE: evaluate_cells,
    Backend.PALLAS: pallas.evaluate_cells,
}


def is_fusible(spec: Spec, statistics: Statistics | None) -> bool:
    """Whether one call computes a model's likelihood: where all its effects vary by one factor, of which
    rows have one level, as much in each of its levels."""
    if len({block.factor for block in spec.blocks}) > 1 or spec.sds or spec.multiple:
        return False
    return statistics is None or statistics.groups.owner is None


def make_fused_data(
    static: Static, design: Design, model: ModelData, statistics: Statistics | None
) -> FusedData | None:
    """What a backend's kernel reads; None where no fused kernel computes the likelihood."""
    if not static.spec.normal:
        return make_canonical_data(static, design, model)
    linear = not model.offsets and static.spec.autocor is None and static.spec.rescor_predictor is None
    if static.backend is Backend.XLA or not linear or not is_fusible(static.spec, statistics):
        return None
    if statistics is None:
        return _make_rows(static, design, model)
    basis = statistics.total if is_whole(static.spec, static.plan) else statistics.basis
    cells = CellData(statistics.count, basis, statistics.mixed, statistics.varying)
    groups = statistics.cells.columns.shape[1]
    return cells if static.backend is Backend.NATIVE else pallas.lane_cells(cells, groups)


def _make_rows(static: Static, design: Design, model: ModelData) -> FusedData:
    rows = (in_table_order(tiles, model) for tiles in (model.columns, model.outcomes))
    arguments = (*main_groups(static.spec, design, static.plan), *rows)
    return bundle_rows(*arguments) if static.backend is Backend.NATIVE else pallas.tile_rows(*arguments)[1]


def is_whole(spec: Spec, plan: Plan) -> bool:
    """Whether only the sum of the outcomes' cross-products matters: one sigma, no effect's mean shifted."""
    constant = all(predictor.dpar == "mu" for predictor in spec.predictors)
    return constant and not is_shifted(spec, plan)


def fused_log_likelihood(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Array:
    """Log likelihood of all rows, location effects integrated out; ``u`` as for the rows' moments."""
    if not static.spec.normal:
        return canonical_log_likelihood(static, parameters, u, data)
    value = (_rows if data.statistics is None else _cells)(static, parameters, u, data)
    return value + _constant(static.spec, parameters, data.model.n_rows)


def _constant(spec: Spec, parameters: Parameters, n_rows: Array) -> Array:
    """What no kernel knows: ``-N M log(2 pi) / 2 - N log|R| / 2``."""
    constant = -0.5 * LOG_2PI * len(spec.outcomes) * n_rows
    if parameters.rescor is None:
        return constant
    return constant - n_rows * log_diagonal(parameters.rescor)


def _shared(static: Static, parameters: Parameters, data: DensityData) -> tuple[Array, Array]:
    """P and Lambda."""
    dtype = data.model.outcomes.dtype
    precision = residual_precision(len(static.spec.outcomes), parameters.rescor, dtype)
    if not static.plan.factors:
        return precision, jnp.zeros((0, 0), dtype)
    return precision, prior_of_integrated(static, parameters, data).factors[0]


# --- rows -----------------------------------------------------------------------------------------


def _rows(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Array:
    means = _coefficients(static.spec, "mu", parameters, u, data.model)
    scales = _coefficients(static.spec, "sigma", parameters, u, data.model)
    terms = RowTerms(
        mean=tuple(term for term, _ in means),
        scale=tuple(term for term, _ in scales),
        effects=_effect_terms(static.spec, static.plan, data.model),
    )
    by_group = [stacked(static.spec, data.model, [value for _, value in found]) for found in (means, scales)]
    point = RowPoint(*by_group, *_shared(static, parameters, data), None)
    return fused(EVALUATE_ROWS[static.backend], terms, data.fused, point)


def _coefficients(
    spec: Spec, dpar: str, parameters: Parameters, u: list[Array], data: ModelData
) -> Coefficients:
    """Terms of all outcomes' means or log sigmas with their coefficients, () or (J,)."""
    out: Coefficients = []
    for m in range(len(spec.outcomes)):
        p = predictor_of(spec, m, dpar)
        if p is None:
            out.append(((m, 0), jnp.log(parameters.sigma[m])))
        else:
            found = main_coefficients(spec, p, parameters, u, data)
            out.extend(((m, column), value) for column, value in found.items())
    return out


def _effect_terms(spec: Spec, plan: Plan, data: ModelData) -> tuple[Term, ...]:
    columns = [data.varying[b][q] for f in plan.local for b, q in plan.integrated(spec, f)]
    return tuple(zip(outcomes_of(spec, plan, *plan.local), columns, strict=True))


# --- cells ----------------------------------------------------------------------------------------


def _cells(static: Static, parameters: Parameters, u: list[Array], data: DensityData) -> Array:
    spec, plan, stats = static.spec, static.plan, data.statistics
    log_sigma = log_sigmas(spec, parameters, u, stats.cells).reshape(len(spec.outcomes), -1)
    shift = _shift(spec, plan, u) if is_shifted(spec, plan) else None
    shared = _shared(static, parameters, data)
    point = CellPoint(basis_residual(spec, parameters, stats), shift, log_sigma, *shared)
    terms = CellTerms(outcomes_of(spec, plan, *plan.local), stats.cells.columns.shape[1])
    return fused(EVALUATE_CELLS[static.backend], terms, data.fused, point)


def _shift(spec: Spec, plan: Plan, u: list[Array]) -> Array:
    """(Q, J) conditional means of the integrated effects given the sampled ones."""
    return jnp.stack([u[b][q] for f in plan.local for b, q in plan.integrated(spec, f)])
