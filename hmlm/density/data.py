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
from hmlm.kernels.segments import Segments, make_segments
from hmlm.kernels.tiles import Tiles, Tiling, make_tiling
from hmlm.spec.spec import Block, Spec
from hmlm.types import Design


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
class ModelData:
    """Arrays of one model; arrays over rows are (T, L) tiles, zero where padded.

    Attributes:
        outcomes: (M, T, L).
        columns: (C, T, L) distinct columns, uncentred; the first is one in every row.
        population: per predictor.
        varying: per block, which of the columns its coefficients multiply, in the order of its terms.
        groups: per factor, rows by group: tiles for the main factor, segments for others.
        pairs: rows by pair of levels of crossed factors that are integrated out, by their places in the plan.
        parents: per nested factor that is integrated out but the coarsest, its levels by level of the next.
        order: (N,) where each row of the table stands in the flat tiles.
        main: the factor that rows are sorted by, None where there is none.
    """

    outcomes: Array
    columns: Array
    population: tuple[Population, ...]
    varying: tuple[tuple[int, ...], ...] = field(metadata={"static": True})
    groups: tuple[Tiles | Segments, ...]
    pairs: dict[tuple[int, int], Segments]
    parents: tuple[Segments, ...]
    order: Array
    main: int | None = field(metadata={"static": True})


def column_means(spec: Spec, design: Design) -> tuple[np.ndarray, ...]:
    """Per predictor (K,) means that centring takes off its columns; zeros where it does not centre."""
    return tuple(
        part.population.matrix.mean(0) if predictor.centered else np.zeros(len(predictor.names))
        for predictor, part in zip(spec.predictors, design.predictors, strict=True)
    )


def block_columns(block: Block, design: Design) -> np.ndarray:
    """(Q, N) columns of a block's coefficients, in the order of its terms."""
    return np.stack([design.predictors[t.predictor].groups[t.group].matrix[:, t.column] for t in block.terms])


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
    rows = np.arange(design.n_rows) if rows is None else rows
    index = np.zeros(len(rows), int) if main is None else design.factors[main].index[rows]
    n_groups = 1 if main is None else spec.factors[main].n_levels
    tiling = make_tiling(index, n_groups)
    levels = [tiling.place(factor.index[rows], fill=-1) for factor in design.factors]
    columns = Columns(index, n_groups)
    varying = tuple(tuple(columns.add(c) for c in block_columns(b, design)[:, rows]) for b in spec.blocks)
    fold = columns.fold if main is not None else lambda column: Folded(columns.add(column))
    folded = [[fold(column) for column in part.population.matrix[rows].T] for part in design.predictors]
    means = column_means(spec, design)
    with double_precision():
        data = ModelData(
            outcomes=jnp.asarray(tiling.place(np.stack([o.values[rows] for o in design.outcomes]))),
            columns=jnp.asarray(tiling.place(columns.array())),
            population=tuple(_population(parts, m) for parts, m in zip(folded, means, strict=True)),
            varying=varying,
            groups=tuple(
                tiling.tiles if f == main else make_segments(index, spec.factors[f].n_levels)
                for f, index in enumerate(levels)
            ),
            pairs={} if plan.nested else _pairs(spec, plan, levels),
            parents=_parents(spec, design, plan) if plan.nested else (),
            order=jnp.asarray(tiling.order(), jnp.int32),
            main=main,
        )
    return data, tiling


def centred_as(model: ModelData, other: ModelData) -> ModelData:
    """Arrays of further rows for the parameters of ``other``, whose column means centring takes off."""
    parts = zip(model.population, other.population, strict=True)
    return replace(model, population=tuple(replace(part, means=known.means) for part, known in parts))


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
        multiplier=tuple(None if values is None else jnp.asarray(values) for values in multipliers),
        means=jnp.asarray(means),
    )
