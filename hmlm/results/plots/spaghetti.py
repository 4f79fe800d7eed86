"""Spaghetti: the expected line of every level along a column, over its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.plots.choose import default_or, design_of, factor_of_rows, one_of, response_index, spec_of
from hmlm.results.plots.parts import outcome_shown
from hmlm.results.plots.style import BLUE, INK, ORANGE, QUIET, facets, headline, styled
from hmlm.results.prediction.conditional import PER_UNIT
from hmlm.results.table import interval_limits
from hmlm.types import Factor

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

POINTS = 25  # along the column
AT_MOST = 16  # levels with a panel of their own


@styled
def spaghetti(
    fit: Fit, x: str, group: str | None, resp: str | None, levels: int | None, ndraws: int
) -> Figure:
    """See :meth:`Plots.spaghetti`."""
    spec, design = spec_of(fit), design_of(fit)
    numbers = [name for name in design.table if pd.api.types.is_numeric_dtype(design.table[name])]
    one_of(x, numbers, "x", "column of numbers in the model")
    names = [factor.name for factor in design.factors]
    factor = factor_of_rows(design, default_or(group, names, "group", "grouping factor"))
    grid = _grid(design.table, x, factor)
    if levels is not None:
        return _panels(fit, x, factor, response_index(spec, resp), grid, min(levels, AT_MOST))
    responses = range(len(spec.outcomes)) if resp is None else [response_index(spec, resp)]
    fig, axes = facets(len(responses), 4.2, 3.2)
    for ax, response in zip(axes, responses, strict=True):
        _lines(
            ax,
            fit,
            x,
            grid,
            {"resp": spec.outcomes[response], "ndraws": min(fit.n_draws, ndraws), **PER_UNIT},
        )
        ax.set(xlabel=x, ylabel=outcome_shown(fit, response)[1])
    note = "Blue: every level over the range of its rows. Orange: an average level. Posterior means."
    headline(fig, f"Expected values of {len(factor.levels)} levels of {factor.name}", note)
    return fig


def _lines(ax: Axes, fit: Fit, x: str, grid: pd.DataFrame, some: dict[str, Any]) -> None:
    """A line per level, and that of an average one."""
    found = fit.prediction("epred", grid, **some)
    found.require_numbers("a line of expected outcomes")
    mean = found.mean().reshape(-1, POINTS)
    ax.plot(grid[x].to_numpy().reshape(mean.shape).T, mean.T, color=BLUE, linewidth=0.5, alpha=0.5)
    average = fit.conditional_effects(x, **some)[x]
    ax.plot(average[x], average["Estimate"], color=ORANGE, linewidth=2)


def _grid(table: pd.DataFrame, x: str, factor: Factor) -> pd.DataFrame:
    """POINTS rows per level along its own range; its other columns at the level's mean or first value."""
    at, rows = np.linspace(0, 1, POINTS), []
    for level in range(len(factor.levels)):
        own = table[factor.index == level]
        first = own.iloc[[0]].copy()
        for name in own:
            if pd.api.types.is_float_dtype(own[name]) and name not in factor.columns:
                first[name] = own[name].mean()
        block = first.loc[first.index.repeat(POINTS)].reset_index(drop=True)
        block[x] = own[x].min() + at * (own[x].max() - own[x].min())
        rows.append(block)
    return pd.concat(rows, ignore_index=True)


def _panels(fit: Fit, x: str, factor: Factor, response: int, grid: pd.DataFrame, levels: int) -> Figure:
    """A panel per level, evenly through the levels by size: rows, expected line, its interval."""
    values, column = outcome_shown(fit, response)
    sizes = np.bincount(factor.index, minlength=len(factor.levels))
    order = np.argsort(-sizes, kind="stable")
    shown = np.sort(order[np.unique(np.linspace(0, len(order) - 1, levels).astype(int))])
    fig, axes = facets(len(shown), 2.2, 1.8, columns=4)
    for ax, level in zip(axes, shown, strict=True):
        part = grid.iloc[level * POINTS : (level + 1) * POINTS]
        found = fit.epred(part, resp=fit.spec.outcomes[response], summary=True, **PER_UNIT)
        rows = factor.index == level
        _panel(ax, part[x], found, fit.design.table[x][rows], values[rows])
        ax.set_title(f"{factor.levels[level]} ({sizes[level]} rows)", fontsize="small")
    for ax in axes:
        ax.set_xlabel(x)
    axes[0].set_ylabel(column)
    headline(
        fig,
        f"Expected {column} by {factor.name}",
        "Points: rows. Bands: 95% intervals of the expected value.",
    )
    return fig


def _panel(ax: Axes, along: pd.Series, found: pd.DataFrame, x: pd.Series, y: np.ndarray) -> None:
    """The rows' points, and the expected line with its band."""
    low, high = interval_limits(found)
    ax.plot(x, y, "o", color=QUIET, markersize=2, alpha=0.6)
    ax.fill_between(along, found[low], found[high], color=BLUE, alpha=0.2, linewidth=0)
    ax.plot(along, found["Estimate"], color=INK, linewidth=1)
