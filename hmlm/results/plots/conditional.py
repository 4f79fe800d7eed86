"""Conditional effects: what a model expects along a column, a panel per effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.plots.parts import column_of, outcome_shown
from hmlm.results.plots.style import BLUE, CYCLE, facets, headline, styled
from hmlm.results.prediction.conditional import PER_UNIT, value_text
from hmlm.results.prediction.prediction import CATEGORY, RESP
from hmlm.results.table import interval_limits

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


@styled
def conditional(fit: Fit, effects: str | list[str] | None, prob: float, **options: Any) -> Figure:
    """See :meth:`Plots.conditional`."""
    tables = [
        (effect, resp, part)
        for effect, table in fit.conditional_effects(effects, prob=prob, **options).items()
        for resp, part in _by_outcome(table)
    ]
    fig, axes = facets(len(tables), 3.0, 2.4)
    for ax, (effect, resp, table) in zip(axes, tables, strict=True):
        first, *others = effect.split(":")
        _draw(ax, table, first, others[0] if others else None)
        ax.set_xlabel(first)
        ax.set_ylabel(_expected(fit, resp, options))
    headline(fig, "Conditional effects", f"Bands: {100 * prob:g}% intervals; other columns are held.")
    return fig


def _by_outcome(table: pd.DataFrame) -> list[tuple[str | None, pd.DataFrame]]:
    along = next((name for name in (RESP, CATEGORY) if name in table), None)
    return [(None, table)] if along is None else list(table.groupby(along, sort=False))


def _expected(fit: Fit, resp: str | None, options: dict[str, Any]) -> str:
    """What stands at the y axis: the outcome, per trial unless the number of trials was said."""
    if resp in fit.spec.family.levels:
        return f"P({column_of(fit, 0)} = {resp})"
    response = 0 if resp is None else fit.spec.outcomes.index(resp)
    column, dpar = column_of(fit, response), options.get("dpar")
    if dpar:
        return f"{dpar} of {column}"
    return column if set(options) & set(PER_UNIT) else outcome_shown(fit, response)[1]


def _draw(ax: Axes, table: pd.DataFrame, first: str, other: str | None) -> None:
    groups = [(None, table)] if other is None else list(table.groupby(other, sort=False, observed=True))
    number = pd.api.types.is_numeric_dtype(table[first]) and table[first].nunique() > 10
    for i, (value, part) in enumerate(groups):
        color = BLUE if other is None else CYCLE[i % len(CYCLE)]
        label = None if other is None else f"{other} = {value_text(value)}"
        (_band if number else _points)(ax, part, first, color, label, (i - (len(groups) - 1) / 2) * 0.12)
    if other is not None:
        ax.legend(frameon=False, fontsize="small", handlelength=1.2)


def _band(ax: Axes, part: pd.DataFrame, first: str, color: str, label: str | None, _: float) -> None:
    low, high = interval_limits(part)
    ax.fill_between(part[first], part[low], part[high], color=color, alpha=0.2, linewidth=0)
    ax.plot(part[first], part["Estimate"], color=color, label=label)


def _points(ax: Axes, part: pd.DataFrame, first: str, color: str, label: str | None, shift: float) -> None:
    low, high = interval_limits(part)
    at = np.arange(len(part)) + shift
    ax.vlines(at, part[low], part[high], color=color)
    ax.plot(at, part["Estimate"], "o", color=color, markersize=4, label=label)
    ax.set_xticks(np.arange(len(part)), [value_text(value) for value in part[first]])
    ax.set_xlim(-0.5, len(part) - 0.5)
