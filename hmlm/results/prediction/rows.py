"""The rows that are predicted: matrices of every predictor, and each row's level of every factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from hmlm.formula.addition_values import rebuild_additions
from hmlm.formula.factors import group_levels
from hmlm.formula.memberships import member_levels
from hmlm.formula.table import Use, as_table, require_complete, select
from hmlm.spec.spec import Spec
from hmlm.types import DataError, Design, Factor, Outcome

NOTHING: Mapping[str, float] = {}
Chosen = Mapping[int, Sequence[int]]  # per block the positions of the terms that count


@dataclass(frozen=True)
class Index:
    """Levels of one factor: (N, M) ``codes`` count known levels first, then the ``new`` ones.

    M is 1 but for ``mm()``, whose rows have several levels with (N, M) ``weights``.
    """

    codes: np.ndarray
    new: tuple[str, ...] = ()
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Rows:
    """N rows to predict.

    Attributes:
        labels: (N,) what to call them.
        population: per predictor (N, K) uncentred columns.
        varying: (N,) column of every chosen term, by block and position.
        index: by factor.
        offsets: per predictor that has one, (N,).
        additions: per outcome, (N,) values of its addition terms.
        levels: per predictor of standard deviations of a factor with new levels, (J + L, W) centred
            covariates of its known and its new levels.
    """

    labels: np.ndarray
    population: Mapping[int, np.ndarray]
    varying: Mapping[tuple[int, int], np.ndarray]
    index: Mapping[int, Index]
    offsets: Mapping[int, np.ndarray]
    additions: tuple[Mapping[str, np.ndarray], ...]
    levels: Mapping[int, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)


def training_rows(
    spec: Spec,
    design: Design,
    predictors: Sequence[int],
    chosen: Chosen,
    instead: Mapping[str, float] = NOTHING,
) -> Rows:
    """The rows that the model was fitted to, with one number ``instead`` of addition terms if given."""
    groups = {
        (b, q): design.predictors[t.predictor].groups[t.group].matrix[:, t.column]
        for b, q, t in _terms(spec, predictors, chosen)
    }
    used = {spec.blocks[b].factor for b, _ in groups}
    return Rows(
        labels=design.rows,
        population={p: design.predictors[p].population.matrix for p in predictors},
        varying=groups,
        index={f: _known_index(design.factors[f]) for f in used},
        offsets={
            p: design.predictors[p].offset for p in predictors if design.predictors[p].offset is not None
        },
        additions=tuple(_replaced(o.additions, instead, design.n_rows) for o in design.outcomes),
    )


def new_rows(
    spec: Spec,
    design: Design,
    data: object,
    predictors: Sequence[int],
    chosen: Chosen,
    *,
    allow_new: bool,
    additions: tuple[str, ...] = (),
    instead: Mapping[str, float] = NOTHING,
) -> Rows:
    """Rows of another table, with the encodings of the first.

    Of addition terms only those named are read, and of these not those that ``instead`` has a number for.

    Raises:
        DataError: missing columns or values, levels that the model does not know.
    """
    table = as_table(data)
    terms = list(_terms(spec, predictors, chosen))
    built = {
        key: design.predictors[key[0]].groups[key[1]].rebuild(table)
        for key in {(t.predictor, t.group) for _, _, t in terms}
    }
    index = {
        f: _index(design.factors[f], table, allow_new)
        for f in sorted({spec.blocks[b].factor for b, _, _ in terms})
    }
    return Rows(
        labels=table.index.to_numpy(),
        population={p: design.predictors[p].population.rebuild(table) for p in predictors},
        varying={(b, q): built[t.predictor, t.group][:, t.column] for b, q, t in terms},
        index=index,
        offsets={p: _offset(design, p, table) for p in predictors if design.predictors[p].rebuild_offset},
        additions=tuple(_additions(outcome, table, additions, instead) for outcome in design.outcomes),
        levels=_covariates(spec, design, table, index),
    )


def _covariates(
    spec: Spec, design: Design, table: pd.DataFrame, index: Mapping[int, Index]
) -> dict[int, np.ndarray]:
    """Covariates of levels, for the predictors of standard deviations of factors with new ones."""
    return {
        s: np.concatenate([part.matrix, part.rebuild(table, index[sd.factor].new)]) - part.means
        for s, (sd, part) in enumerate(zip(spec.sds, design.sds, strict=True))
        if sd.factor in index and index[sd.factor].new
    }


def _additions(
    outcome: Outcome, table: pd.DataFrame, names: tuple[str, ...], instead: Mapping[str, float]
) -> Mapping[str, np.ndarray]:
    wanted = tuple(name for name in names if name in outcome.additions)
    read = tuple(name for name in wanted if name not in instead)
    found = dict(rebuild_additions(outcome, table, read))
    return _replaced(found | dict.fromkeys(set(wanted) - set(read)), instead, len(table))


def _replaced(
    additions: Mapping[str, np.ndarray], instead: Mapping[str, float], n_rows: int
) -> Mapping[str, np.ndarray]:
    return {
        **additions,
        **{name: np.full(n_rows, value) for name, value in instead.items() if name in additions},
    }


def _offset(design: Design, p: int, table: pd.DataFrame) -> np.ndarray:
    return design.predictors[p].rebuild_offset(table)


def _terms(spec: Spec, predictors: Sequence[int], chosen: Chosen):
    for b, positions in chosen.items():
        for q in positions:
            if spec.blocks[b].terms[q].predictor in predictors:
                yield b, q, spec.blocks[b].terms[q]


def _known_index(factor: Factor) -> Index:
    if factor.members is None:
        return Index(factor.index[:, None])
    return Index(factor.members.index, weights=factor.members.weights)


def _index(factor: Factor, table: pd.DataFrame, allow_new: bool) -> Index:
    columns = select(table, [Use(column, f"( … | {factor.name})") for column in factor.columns])
    require_complete(columns)
    several = factor.members is not None
    by_row = member_levels(columns, factor.columns) if several else group_levels(columns, factor.columns)
    texts = by_row.ravel()
    codes = pd.Index(factor.levels).get_indexer(texts)
    unknown = tuple(dict.fromkeys(texts[codes < 0]))
    if unknown and not allow_new:
        raise DataError(_unknown(factor, unknown))
    new = pd.Index(unknown, dtype=object).get_indexer(texts)
    found = np.where(codes < 0, len(factor.levels) + new, codes).astype(np.int32)
    weights = factor.members.rebuild(table) if factor.members is not None else None
    return Index(found.reshape(len(table), -1), unknown, weights)


def _unknown(factor: Factor, unknown: tuple[str, ...]) -> str:
    few = ", ".join(map(repr, unknown[:5])) + (", …" if len(unknown) > 5 else "")
    known = ", ".join(map(repr, factor.levels[:5])) + (", …" if len(factor.levels) > 5 else "")
    return (
        f"'{factor.name}' has the level {few}, which the model has not seen (it knows {known}); for a new "
        'one say allow_new_levels=True, for an average one re_formula="NA"'
    )
