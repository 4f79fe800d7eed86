"""The arrays of a model, ready for the device: data are arguments of every program, never constants.

Rows are sorted by the main factor and cut into tiles (:mod:`hmlm.kernels.tiles`). Each distinct column is
stored once, however many predictors use it. A population-level column that is another one times a
value of the group is not stored at all: its coefficient joins the other's, group by group.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.columns import Columns, Folded
from hmlm.density.plan import Plan
from hmlm.density.precision import double_precision
from hmlm.density.repeated import RepeatedRows, make_repeated
from hmlm.kernels.arrays import on_device
from hmlm.kernels.memberships import Memberships
from hmlm.kernels.segments import Segments, make_segments
from hmlm.kernels.tiles import Tiles, Tiling, make_tiling
from hmlm.spec.spec import Block, Predictor, Spec
from hmlm.types import Design, Factor, Outcome


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Population:
    """Population-level columns of one predictor, apart from its intercept.

    Attributes:
        position: per column, which of the distinct columns it is a multiple of.
        multiplier: per column the multiple by group of the main factor, (J,), None for one.
        means: (K,), what centring takes off (zeros without centring).
    """

    position: tuple[int, ...] = field(metadata={"static": True})
    multiplier: tuple[Array | None, ...]
    means: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LevelColumns:
    """(W, J) uncentred covariates of levels, and the (W,) means that centring takes off them."""

    columns: Array
    means: Array

    @property
    def centred(self) -> Array:
        """(W, J)."""
        return self.columns - self.means[:, None]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ModelData:
    """Arrays of one model; arrays over rows are (T, L) tiles, zero where padded.

    Attributes:
        outcomes: (M, T, L).
        columns: (C, T, L) distinct columns, uncentred; the first is one in every row.
        population: per predictor.
        varying: per block, which of the columns its coefficients multiply, in the order of its terms.
        groups: per factor, rows by group: tiles for the main factor, segments for others, memberships where
            rows belong to several.
        pairs: rows by pair of levels of crossed factors that are integrated out, by their places in the plan.
        parents: per nested factor that is integrated out but the coarsest, its levels by level of the next.
        offsets: by predictor, (T, L), what is added to it.
        additions: per outcome, values of its addition terms, each (T, L).
        sds: per predictor of standard deviations between levels.
        log_jacobian: (T, L), what the density of outcomes adds to that of those it reads; None for nothing.
        order: (N,) where each row of the table stands in the flat tiles.
        n_rows: N, padding not counted.
        main: the factor that rows are sorted by, None where there is none.
        lagged: the rows before these in their series, None where no residual depends on the one before.
        repeated: rows by series whose residuals have a correlation matrix, None where none have.
    """

    outcomes: Array
    columns: Array
    population: tuple[Population, ...]
    varying: tuple[tuple[int, ...], ...] = field(metadata={"static": True})
    groups: tuple[Tiles | Segments | Memberships, ...]
    pairs: dict[tuple[int, int], Segments]
    parents: tuple[Segments, ...]
    offsets: dict[int, Array]
    additions: tuple[dict[str, Array], ...]
    sds: tuple[LevelColumns, ...]
    log_jacobian: Array | None
    order: Array
    n_rows: Array
    main: int | None = field(metadata={"static": True})
    lagged: ModelData | None = None
    repeated: RepeatedRows | None = None


def working_outcomes(spec: Spec, design: Design) -> np.ndarray:
    """(M, N) outcomes as the density reads them.

    Where all are normal: logarithms for a lognormal family, less the offsets of their means.
    """
    rows = np.stack([outcome.values for outcome in design.outcomes])
    rows = np.log(rows) if spec.family.log_outcome and spec.normal else rows
    for part, predictor in zip(design.predictors, spec.predictors, strict=True):
        if _absorbed(spec, predictor) and part.offset is not None:
            rows[predictor.response] = rows[predictor.response] - part.offset
    return rows


def log_jacobian(spec: Spec, design: Design) -> np.ndarray | None:
    """(N,) log derivatives of the outcomes the density reads by those observed; None where they are one."""
    if not (spec.family.log_outcome and spec.normal):
        return None
    return -np.sum([np.log(outcome.values) for outcome in design.outcomes], axis=0)


def _absorbed(spec: Spec, predictor: Predictor) -> bool:
    """Whether a predictor's offset is taken off the outcome."""
    return spec.normal and predictor.dpar == "mu"


def offsets_of(spec: Spec, design: Design) -> dict[int, np.ndarray]:
    """By predictor the (N,) offsets that are not taken off an outcome."""
    parts = enumerate(zip(design.predictors, spec.predictors, strict=True))
    return {
        p: part.offset for p, (part, own) in parts if part.offset is not None and not _absorbed(spec, own)
    }


def column_means(spec: Spec, design: Design) -> tuple[np.ndarray, ...]:
    """Per predictor (K,) means that centring takes off its columns, 0 of steps and smooths."""

    def means(predictor: Predictor, matrix: np.ndarray) -> np.ndarray:
        return np.where(np.arange(predictor.n_columns) < predictor.n_centered, matrix.mean(0), 0.0)

    return tuple(
        means(predictor, part.population.matrix)
        for predictor, part in zip(spec.predictors, design.predictors, strict=True)
    )


def block_columns(block: Block, design: Design) -> np.ndarray:
    """(Q, N) columns of a block's coefficients, in the order of its terms."""
    return np.stack([design.predictors[t.predictor].groups[t.group].matrix[:, t.column] for t in block.terms])


def main_groups(spec: Spec, design: Design, plan: Plan) -> tuple[np.ndarray, int]:
    """(N,) group of every row by the main factor, and how many there are; one group without a factor."""
    main = plan.main(spec)
    if main is None:
        return np.zeros(design.n_rows, int), 1
    return design.factors[main].index, spec.factors[main].n_levels


def in_table_order(tiles: Array, model: ModelData) -> np.ndarray:
    """(A, N) values of rows as the table has them, from (A, T, L) tiles."""
    return np.asarray(tiles).reshape(len(tiles), -1)[:, np.asarray(model.order)]


def make_data(
    spec: Spec, design: Design, plan: Plan, rows: np.ndarray | None = None
) -> tuple[ModelData, Tiling]:
    """Arrays of ``design`` (or of some of its rows) in float64, and which row stands where.

    Args:
        spec: the model.
        design: its matrices.
        plan: what is integrated out.
        rows: which rows, all by default.
    """
    main = plan.main(spec)
    whole = rows is None
    rows = np.arange(design.n_rows) if rows is None else rows
    index, n_groups = main_groups(spec, design, plan)
    index = index[rows]
    tiling = make_tiling(index, n_groups)
    levels = [tiling.place(factor.index[rows], fill=-1) for factor in design.factors]
    columns = Columns(index, n_groups)
    varying = tuple(tuple(columns.add(c) for c in block_columns(b, design)[:, rows]) for b in spec.blocks)
    fold = columns.fold if main is not None else lambda column: Folded(columns.add(column))
    folded = [[fold(column) for column in part.population.matrix[rows].T] for part in design.predictors]
    means, jacobian = column_means(spec, design), log_jacobian(spec, design)
    with double_precision():
        data = ModelData(
            outcomes=on_device(_place_outcomes(spec, tiling, working_outcomes(spec, design)[:, rows])),
            columns=on_device(tiling.place(columns.array())),
            population=tuple(_population(parts, m) for parts, m in zip(folded, means, strict=True)),
            varying=varying,
            groups=tuple(
                tiling.tiles if f == main else _groups(design.factors[f], rows, tiling)
                for f in range(len(spec.factors))
            ),
            pairs={} if plan.nested else _pairs(spec, plan, levels),
            parents=_parents(spec, design, plan) if plan.nested else (),
            offsets={
                p: on_device(tiling.place(values[rows])) for p, values in offsets_of(spec, design).items()
            },
            additions=tuple(_place_additions(tiling, outcome, rows) for outcome in design.outcomes),
            sds=tuple(LevelColumns(on_device(part.matrix.T), jnp.asarray(part.means)) for part in design.sds),
            log_jacobian=None if jacobian is None else on_device(tiling.place(jacobian[rows])),
            order=on_device(tiling.order(), np.int32),
            n_rows=on_device(float(len(rows))),
            main=main,
        )
        if whole and spec.in_turn:
            data = replace(data, lagged=lagged_data(spec, design, data, tiling))
        if whole and spec.repeated:
            data = replace(data, repeated=make_repeated(design.outcomes[0].repeated, tiling))
    return data, tiling


def _groups(factor: Factor, rows: np.ndarray, tiling: Tiling) -> Segments | Memberships:
    """Rows by level of a factor that they are not sorted by."""
    segments = lambda index: make_segments(tiling.place(index[rows], fill=-1), len(factor.levels))  # noqa: E731
    if factor.members is None:
        return segments(factor.index)
    return Memberships(
        tuple(segments(index) for index in factor.members.index.T),
        tuple(on_device(tiling.place(weights[rows])) for weights in factor.members.weights.T),
    )


def previous_values(design: Design, values: np.ndarray) -> np.ndarray:
    """(..., N) values of the row before each row in its series, zero for the first."""
    previous = design.outcomes[0].series.previous
    return np.where(previous >= 0, values[..., previous], 0.0)


def lagged_data(spec: Spec, design: Design, data: ModelData, tiling: Tiling) -> ModelData:
    """Arrays of the rows before those of ``data``: all zero, the constant too, where there is none.

    Levels of factors that hold whole series are those of the rows themselves.
    """

    def place(tiles: Array) -> Array:
        by_row = np.asarray(tiles).reshape(len(tiles), -1)[:, tiling.order()]
        return on_device(tiling.place(previous_values(design, by_row)))

    return replace(
        data,
        outcomes=place(data.outcomes),
        columns=place(data.columns),
        groups=tuple(
            data.groups[f] if f in spec.autocor.within else _previous_levels(design, f, tiling)
            for f in range(len(spec.factors))
        ),
        offsets={p: place(values[None])[0] for p, values in data.offsets.items()},
    )


def _previous_levels(design: Design, f: int, tiling: Tiling) -> Segments:
    previous, factor = design.outcomes[0].series.previous, design.factors[f]
    before = np.where(previous >= 0, factor.index[previous], -1)
    return make_segments(tiling.place(before, fill=-1), len(factor.levels))


def _place_additions(tiling: Tiling, outcome: Outcome, rows: np.ndarray) -> dict[str, Array]:
    """(T, L) values of addition terms; padding repeats one, which every law can read."""
    chosen = {name: values[rows] for name, values in outcome.additions.items()}
    return {name: on_device(tiling.place(values, fill=values[0])) for name, values in chosen.items()}


def _place_outcomes(spec: Spec, tiling: Tiling, outcomes: np.ndarray) -> np.ndarray:
    """(M, T, L); padding is zero where all is normal, else repeats an outcome, which every law can read."""
    if spec.normal:
        return tiling.place(outcomes)
    return np.stack([tiling.place(rows, fill=rows[0]) for rows in outcomes])


def centred_as(model: ModelData, other: ModelData) -> ModelData:
    """Arrays of further rows for the parameters of ``other``, whose column means centring takes off."""
    parts = zip(model.population, other.population, strict=True)
    population = tuple(replace(part, means=known.means) for part, known in parts)
    lagged = model.lagged and replace(model.lagged, population=population)
    return replace(model, population=population, lagged=lagged)


def _pairs(spec: Spec, plan: Plan, levels: list[np.ndarray]) -> dict[tuple[int, int], Segments]:
    out = {}
    for f, g in combinations(range(len(plan.factors)), 2):
        left, right = levels[plan.factors[f]], levels[plan.factors[g]]
        n_left, n_right = (spec.factors[plan.factors[i]].n_levels for i in (f, g))
        out[g, f] = make_segments(np.where(left < 0, -1, right * n_left + left), n_left * n_right)
    return out


def _parents(spec: Spec, design: Design, plan: Plan) -> tuple[Segments, ...]:
    out = []
    for fine, coarse in pairwise(plan.factors):
        parent = np.zeros(spec.factors[fine].n_levels, int)
        parent[design.factors[fine].index] = design.factors[coarse].index
        out.append(make_segments(parent, spec.factors[coarse].n_levels))
    return tuple(out)


def _population(folded: list[Folded], means: np.ndarray) -> Population:
    multipliers = [part.multiplier for part in folded]
    return Population(
        position=tuple(part.position for part in folded),
        multiplier=tuple(None if values is None else on_device(values) for values in multipliers),
        means=on_device(means),
    )
