"""Known covariances between levels: which blocks have one, and what may not stand beside it."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from hmlm.spec.blocks import BlockLayout, groups_with_sd
from hmlm.spec.spec import Known
from hmlm.types import Design, Factor, FormulaError, GroupDesign

ROUNDING = 1e-10


def known_of(design: Design, layout: BlockLayout) -> Known | None:
    """The known covariance of a block, None where its levels are independent."""
    term = layout.terms[0]
    name = design.predictors[term.predictor].groups[term.group].term.cov
    return None if name is None else Known(name, _rotates(design, layout))


def check_known(design: Design) -> None:
    """Raise FormulaError where effects with a known covariance have standard deviations with a formula."""
    for part, group in groups_with_sd(design):
        if group.term.cov is not None:
            raise FormulaError(
                f"sd={{{part.name!r}: …}}: the effects of {part.factor!r} have the known covariance "
                f"{group.term.cov!r}, so that their standard deviations cannot have a formula too; leave "
                "one of them out"
            )


def _rotates(design: Design, layout: BlockLayout) -> bool:
    """Whether the cross-products of any two columns are, level by level, multiples of those of the first."""
    (factor,) = (factor for factor in design.factors if factor.name == layout.factor)
    columns = [_column(design.predictors[t.predictor].groups[t.group], t.column) for t in layout.terms]
    pairs = [_sums(factor, a * b) for a, b in combinations_with_replacement(columns, 2)]
    first = pairs[0] / np.linalg.norm(pairs[0])
    return all(np.linalg.norm(p - first * (first @ p)) <= ROUNDING * np.linalg.norm(p) for p in pairs)


def _column(group: GroupDesign, column: int) -> np.ndarray:
    return group.matrix[:, column]


def _sums(factor: Factor, rows: np.ndarray) -> np.ndarray:
    """(J,) sums by level."""
    return np.bincount(factor.index, weights=rows, minlength=len(factor.levels))
