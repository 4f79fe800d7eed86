"""A line per draw: what the model expects along a column, of a new level or of known ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.formula.table import is_numeric, series
from hmlm.results.plots.choose import (
    default_or,
    design_of,
    factor_of_rows,
    one_of,
    response_index,
    several_of,
    spec_of,
)
from hmlm.results.plots.parts import outcome_shown
from hmlm.results.plots.style import CYCLE, facets, headline, styled
from hmlm.results.prediction.conditional import PER_UNIT, columns_along
from hmlm.types import Factor

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

POINTS = 50  # along the column
MOST_COLUMNS = 4  # of panels, where there is one outcome


@styled
def lines(
    fit: Fit,
    x: str,
    levels: int | Sequence[str] | None,
    group: str | None,
    resp: str | None,
    ndraws: int,
    conditions: Mapping[str, Any] | None,
) -> Figure:
    """See :meth:`Plots.lines`."""
    spec, design = spec_of(fit), design_of(fit)
    names = [factor.name for factor in design.factors]
    numbers = [name for name in columns_along(fit, {}) if is_numeric(series(design.table, name))]
    one_of(x, numbers, "x", "column of numbers in the model")
    factor = factor_of_rows(design, default_or(group, names, "group", "grouping factor"))
    shown: Sequence[str | None] = [None] if levels is None else _chosen(factor, levels)
    responses = range(len(spec.outcomes)) if resp is None else [response_index(spec, resp)]
    fig, axes, columns = _panels(len(responses), len(shown))
    grids = [grid_of(fit, x, factor, level, conditions or {}) for level in shown]
    for k, ax in enumerate(axes):
        response, level = responses[k // len(shown)], shown[k % len(shown)]
        _draw(ax, fit, x, grids[k % len(shown)], response, min(ndraws, fit.n_draws))
        ax.set_title(f"a new {factor.name}" if level is None else f"{factor.name} {level}")
        if k % columns == 0 or level is None:
            ax.set_ylabel(f"expected {outcome_shown(fit, response)[1]}")
    _share_y(axes, len(shown))
    held = "".join(f", {name} = {value}" for name, value in (conditions or {}).items())
    note = f"{min(ndraws, fit.n_draws)} draws, a line each. Other columns at typical values{held}."
    headline(fig, f"Expected values along {x}", note)
    return fig


def _panels(n_outcomes: int, n_levels: int) -> tuple[Figure, list[Axes], int]:
    """A row per outcome with a panel per level; of a single outcome or level as many rows as it takes."""
    if n_levels == 1:
        return *facets(n_outcomes, 3.6, 2.8), 3
    columns = min(n_levels, MOST_COLUMNS) if n_outcomes == 1 else n_levels
    return *facets(n_outcomes * n_levels, 2.2, 1.9, columns), columns


def grid_of(
    fit: Fit, x: str, factor: Factor, level: str | None, conditions: Mapping[str, Any]
) -> pd.DataFrame:
    """POINTS rows of a level (None: a new one) along the range of ``x``; others at typical values or as told.

    Columns of grouping factors are those of the level's first row, or have values that no row has.
    """
    design = design_of(fit)
    table, known = design.table, columns_along(fit, {})
    first = 0 if level is None else int(np.argmax(factor.index == factor.levels.index(level)))
    grid = table.iloc[[first] * POINTS].reset_index(drop=True)
    grouping = {column for one in design.factors for column in one.columns}
    if level is None:
        grid = grid.assign(**{name: _unseen(series(table, name)) for name in grouping})
    typical = {name: column.typical for name, column in known.items() if name not in grouping}
    low, high = known[x].values[[0, -1]]
    along = np.linspace(low, high, POINTS)
    grid = grid.assign(**{**typical, **conditions, x: along})
    return grid.astype({name: table[name].dtype for name in typical if not is_numeric(series(table, name))})


def _unseen(values: pd.Series) -> Any:
    return values.max() + 1 if is_numeric(values) else "a new level"


def _chosen(factor: Factor, levels: int | Sequence[str]) -> list[str]:
    """Those named, or so many, evenly through the levels by number of rows."""
    if not isinstance(levels, int):
        return several_of(
            [str(level) for level in levels], factor.levels, "levels", f"level of {factor.name}"
        )
    order = np.argsort(-np.bincount(factor.index, minlength=len(factor.levels)), kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, levels).astype(int))
    return [factor.levels[k] for k in np.sort(order[places])]


def _draw(ax: Axes, fit: Fit, x: str, grid: pd.DataFrame, response: int, ndraws: int) -> None:
    outcome = spec_of(fit).outcomes[response]
    found = fit.epred(grid, resp=outcome, ndraws=ndraws, allow_new_levels=True, **PER_UNIT)
    found = (found if "sample" in found.dims else found.stack(sample=("chain", "draw"))).transpose(
        "row", "sample"
    )
    ax.plot(grid[x], found.values, color=CYCLE[response % len(CYCLE)], linewidth=0.6, alpha=0.35)
    ax.set(xlabel=x, xlim=(grid[x].min(), grid[x].max()))


def _share_y(axes: list[Axes], n_levels: int) -> None:
    """One scale for all panels of an outcome."""
    for start in range(0, len(axes), n_levels):
        row = axes[start : start + n_levels]
        limits = np.array([ax.get_ylim() for ax in row])
        for ax in row:
            ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())
