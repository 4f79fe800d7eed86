"""Spaghetti: the expected line of every level along a column, over its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.plots.choose import default_or, design_of, one_of, spec_of
from hmlm.results.plots.style import BLUE, INK, ORANGE, QUIET, facets, headline, styled

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
    factors = {factor.name: factor for factor in design.factors}
    factor = factors[default_or(group, list(factors), "group", "grouping factor")]
    outcomes = [resp] if resp else list(spec.outcomes)
    grid = _grid(fit, x, factor)
    n = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    if levels is not None:
        return _panels(
            fit, x, factor, default_or(resp, spec.outcomes, "resp", "outcome"), grid, min(levels, AT_MOST)
        )
    fig, axes = facets(len(outcomes), 4.2, 3.2)
    for ax, outcome in zip(axes, outcomes, strict=True):
        column = next(o.column for o in design.outcomes if o.name == outcome)
        mean = _mean(fit, grid, outcome, min(n, ndraws), None).reshape(len(factor.levels), POINTS)
        ax.plot(grid[x].to_numpy().reshape(mean.shape).T, mean.T, color=BLUE, linewidth=0.5, alpha=0.5)
        average = _average(fit, x, grid, outcome, min(n, ndraws))
        ax.plot(*average, color=ORANGE, linewidth=2)
        ax.set_xlabel(x)
        ax.set_ylabel(column)
    note = "Blue: every level over the range of its rows. Orange: an average level. Posterior means."
    headline(fig, f"Expected values of {len(factor.levels)} levels of {factor.name}", note)
    return fig


def _grid(fit: Fit, x: str, factor) -> pd.DataFrame:
    """POINTS rows per level along its own range; its other columns at the level's mean or first value."""
    table = fit.design.table
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


def _mean(fit: Fit, grid: pd.DataFrame, outcome: str, ndraws: int, re_formula: str | None) -> np.ndarray:
    found = fit.prediction("epred", grid, resp=outcome, ndraws=ndraws, re_formula=re_formula)
    return np.concatenate([values[0].mean(axis=1) for _, values in found.chunks()])


def _average(
    fit: Fit, x: str, grid: pd.DataFrame, outcome: str, ndraws: int
) -> tuple[np.ndarray, np.ndarray]:
    table = fit.conditional_effects(x, resp=outcome, ndraws=ndraws)[x]
    return table[x].to_numpy(), table["Estimate"].to_numpy()


def _panels(fit: Fit, x: str, factor, outcome: str, grid: pd.DataFrame, levels: int) -> Figure:
    """A panel per level, evenly through the levels by size: rows, expected line, its interval."""
    column = next(o.column for o in fit.design.outcomes if o.name == outcome)
    sizes = np.bincount(factor.index, minlength=len(factor.levels))
    order = np.argsort(-sizes, kind="stable")
    shown = np.sort(order[np.unique(np.linspace(0, len(order) - 1, levels).astype(int))])
    fig, axes = facets(len(shown), 2.2, 1.8, columns=4)
    for ax, level in zip(axes, shown, strict=True):
        part = grid.iloc[level * POINTS : (level + 1) * POINTS]
        _panel(ax, fit, x, outcome, part, factor.index == level)
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


def _panel(ax: Axes, fit: Fit, x: str, outcome: str, part: pd.DataFrame, rows: np.ndarray) -> None:
    found = fit.epred(part, resp=outcome, summary=True)
    low, high = [name for name in found if name.endswith("% CI")]
    ax.plot(
        fit.design.table[x][rows],
        fit.observed[outcome].values[rows],
        "o",
        color=QUIET,
        markersize=2,
        alpha=0.6,
    )
    ax.fill_between(part[x], found[low], found[high], color=BLUE, alpha=0.2, linewidth=0)
    ax.plot(part[x], found["Estimate"], color=INK, linewidth=1)
