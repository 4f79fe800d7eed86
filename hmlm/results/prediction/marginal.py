"""Marginal means: expected values averaged over the rows of the data, as if a column had each of some values.

For every draw the whole table is predicted with the column set to a value, and the predictions are averaged
(g-computation, standardisation); comparisons are differences or ratios of such means draw by draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hmlm.results.prediction.conditional import columns_along, typed, value_text
from hmlm.results.table import estimates
from hmlm.spec.hint import did_you_mean, listed
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

KINDS = {"difference": lambda a, b: a - b, "ratio": lambda a, b: a / b}


def marginal_means(
    fit: Fit, column: str, values: Sequence[Any] | None = None, *, prob: float = 0.95, **options: Any
) -> pd.DataFrame:
    """Expected outcome averaged over the rows of the data, as if ``column`` had each of some values.

    Args:
        column: of the formula.
        values: those it gets; None takes all levels of a category, a number's mean and one standard
            deviation either way.
        prob: probability of the interval.
        options: as in :meth:`Fit.epred`; group effects count unless ``re_formula="NA"``.
    """
    values, outcomes, means = _means(fit, column, values, options)
    return _table([{column: value} for value in values], outcomes, means, prob)


def comparisons(
    fit: Fit,
    column: str,
    values: Sequence[Any] | None = None,
    *,
    kind: str = "difference",
    prob: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Differences or ratios of :func:`marginal_means`, the later value of each pair with the earlier.

    Args:
        column, values, prob, options: as of :func:`marginal_means`.
        kind: ``"difference"`` or ``"ratio"``.
    """
    if kind not in KINDS:
        raise HmlmError(f"kind={kind!r}: choose one of {listed(KINDS)}{did_you_mean(str(kind), KINDS)}")
    values, outcomes, means = _means(fit, column, values, options)
    if len(values) < 2:
        raise HmlmError(f"values={values!r}: a comparison of '{column}' needs two values or more")
    pairs = [(j, i) for i, j in combinations(range(len(values)), 2)]
    sign = {"difference": "-", "ratio": "/"}[kind]
    keys = [{column: f"{value_text(values[j])} {sign} {value_text(values[i])}"} for j, i in pairs]
    found = np.stack([KINDS[kind](means[j], means[i]) for j, i in pairs])
    return _table(keys, outcomes, found, prob)


def _means(
    fit: Fit, column: str, values: Sequence[Any] | None, options: dict[str, Any]
) -> tuple[list[Any], tuple[str, ...], np.ndarray]:
    """The values, the outcomes, and (V, M, S) means over the rows."""
    known = columns_along(fit, options)
    if column not in known:
        raise HmlmError(f"no column {column!r}; the formula has {listed(known)}{did_you_mean(column, known)}")
    chosen = list(known[column].few if values is None else values)
    parts = [_mean(fit, column, value, options) for value in chosen]
    return chosen, parts[0][0], np.stack([mean for _, mean in parts])


def _mean(fit: Fit, column: str, value: Any, options: dict[str, Any]) -> tuple[tuple[str, ...], np.ndarray]:
    table = fit.design.table
    changed = typed(table.assign(**{column: value}), table)
    found = fit.prediction("epred", changed, **options)
    total = sum(values.sum(axis=1) for _, values in found.chunks())
    return found.outcomes, total / len(table)


def _table(
    keys: list[dict[str, Any]], outcomes: tuple[str, ...], values: np.ndarray, prob: float
) -> pd.DataFrame:
    """Rows by value, and by outcome where there are several, from (V, M, S)."""
    several = len(outcomes) > 1
    rows = [{**key, **({"resp": outcome} if several else {})} for key in keys for outcome in outcomes]
    flat = values.reshape(-1, 1, values.shape[-1])
    return pd.DataFrame(rows).join(pd.DataFrame(estimates(flat, prob)))
