"""Residuals in series: what a model with them must satisfy, and what its specification says of them."""

from __future__ import annotations

import numpy as np

from hmlm.spec.family import Family
from hmlm.spec.spec import Autocor
from hmlm.types import Dependence, Design, FormulaError, Outcome

NEAREST = {
    Dependence.AR: "a lagged outcome is the nearest: data.groupby('id')['y'].shift(1) as a column `y_lag`",
    Dependence.COSY: "a varying intercept is the nearest: (1 | id)",
    Dependence.UNSTR: "effects of the occasions are the nearest: (0 + factor(time) | id)",
}


def dependence_of(outcome: Outcome) -> Dependence | None:
    """How the residuals of an outcome depend on each other, None where they don't."""
    if outcome.repeated is not None:
        return outcome.repeated.dependence
    return None if outcome.series is None else Dependence.AR


def check_series(design: Design, family: Family) -> None:
    """Refuse ``ar()``, ``cosy()`` and ``unstr()`` where residuals have no normal density of their own.

    Raises:
        FormulaError: another family than gaussian, several outcomes, or addition terms.
    """
    found = [dependence_of(outcome) for outcome in design.outcomes]
    kind = next((one for one in found if one is not None), None)
    if kind is None:
        return
    normal = family.normal and not family.log_outcome and family.links == ("identity", "log")
    if not normal:
        raise FormulaError(
            f"{kind.value}() is for residuals of the family gaussian with its own links, not of "
            f"{family.name}; {NEAREST[kind]}"
        )
    if len(design.outcomes) > 1:
        raise FormulaError(
            f"{kind.value}() is available for a single outcome; give each outcome a model of its own"
        )
    if design.outcomes[0].additions:
        names = ", ".join(f"{name}()" for name in design.outcomes[0].additions)
        raise FormulaError(f"{kind.value}() cannot be combined with {names}; leave one of them out")


def autocor_of(design: Design, cor: float | None) -> Autocor | None:
    """What the specification says of the series, None without any.

    Args:
        design: the rows.
        cor: shape of the prior of correlations between occasions, of ``unstr``.
    """
    outcome = design.outcomes[0]
    if outcome.repeated is not None:
        known = outcome.repeated
        return Autocor(known.dependence, _holding(design, known.index), times=known.times, cor=cor)
    if outcome.series is None:
        return None
    rows = np.flatnonzero(outcome.series.previous >= 0)
    before = outcome.series.previous[rows]
    same = [bool(np.all(factor.index[rows] == factor.index[before])) for factor in design.factors]
    within = tuple(f for f, inside in enumerate(same) if inside)
    return Autocor(Dependence.AR, within, outcome.series.stationary)


def _holding(design: Design, index: np.ndarray) -> tuple[int, ...]:
    """Factors of which all rows of a series are of one level."""
    _, first, series = np.unique(index, return_index=True, return_inverse=True)
    levels = [factor.index for factor in design.factors]
    return tuple(f for f, level in enumerate(levels) if np.all(level == level[first][series]))
