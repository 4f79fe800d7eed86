"""Residuals in series: what a model with ``ar()`` must satisfy, and what its specification says of it."""

from __future__ import annotations

import numpy as np

from hmlm.spec.family import Family
from hmlm.spec.spec import Autocor
from hmlm.types import Design, FormulaError


def check_series(design: Design, family: Family) -> None:
    """Refuse ``ar()`` where residuals have no normal density of their own.

    Raises:
        FormulaError: another family than gaussian, several outcomes, or addition terms.
    """
    if all(outcome.series is None for outcome in design.outcomes):
        return
    normal = family.normal and not family.log_outcome and family.links == ("identity", "log")
    if not normal:
        raise FormulaError(
            f"ar() is for residuals of the family gaussian with its own links, not of {family.name}; "
            "a lagged outcome is the nearest: data.groupby('id')['y'].shift(1) as a column `y_lag`"
        )
    if len(design.outcomes) > 1:
        raise FormulaError("ar() is available for a single outcome; give each outcome a model of its own")
    if design.outcomes[0].additions:
        names = ", ".join(f"{name}()" for name in design.outcomes[0].additions)
        raise FormulaError(f"ar() cannot be combined with {names}; leave one of them out")


def autocor_of(design: Design) -> Autocor | None:
    """What the specification says of the series, None without any."""
    series = design.outcomes[0].series
    if series is None:
        return None
    rows = np.flatnonzero(series.previous >= 0)
    before = series.previous[rows]
    same = [bool(np.all(factor.index[rows] == factor.index[before])) for factor in design.factors]
    return Autocor(series.stationary, tuple(f for f, inside in enumerate(same) if inside))
