"""Coefficients of levels fitted separately against those of the model: the model's are less extreme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.plots.density import density
from hmlm.results.plots.parts import part_title
from hmlm.results.plots.pooling import Pooling, pooling
from hmlm.results.plots.style import BLUE, INK, ORANGE, SMALL, counted, facets, headline, styled, without_y
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


@styled
def separate(fit: Fit, group: str | None = None, resp: str | None = None) -> Figure:
    """See :meth:`Plots.separate`."""
    found = pooling(fit, group, resp)
    alone = np.isfinite(found.none).all(axis=1)
    if alone.sum() < 3:
        raise HmlmError(
            f"only {alone.sum()} levels of {found.factor!r} have rows enough for fits of their own"
        )
    fig, axes = facets(len(found.terms), 3.6, 2.6)
    fig.set_layout_engine("constrained", wspace=0.08)  # no y axes keep the panels apart
    beyond = [_draw(ax, found, q, alone) for q, ax in enumerate(axes)]
    for ax, term in zip(axes, found.terms, strict=True):
        ax.set_title(term, pad=12)
        ax.set_xlabel(f"coefficient, {part_title(fit, found.predictor)}")
    headline(fig, f"Separate fits and the model, {alone.sum()} levels of {found.factor}", _note(beyond))
    return fig


def _note(beyond: list[int]) -> str:
    more = f" Outside the panels: {counted(sum(beyond), 'separate estimate')}." if sum(beyond) else ""
    return f"Densities over levels; dotted: the average level.{more}"


def _draw(ax: Axes, found: Pooling, q: int, alone: np.ndarray) -> int:
    """Both densities; returns how many separate estimates lie outside the axis."""
    values = {"separate fits": (found.none[alone, q], ORANGE), "model": (found.partial[:, q], BLUE)}
    low, high = _limits(found.none[alone, q], found.partial[:, q])
    for place, (label, (shown, color)) in enumerate(values.items()):
        grid, height = density(shown)
        ax.fill_between(grid, height, color=color, alpha=0.22, linewidth=0)
        ax.plot(grid, height, color=color, linewidth=1.2)
        style = {
            "transform": ax.transAxes,
            "fontsize": SMALL,
            "color": color,
            "ha": "left" if place else "right",
        }
        ax.text(float(place == 0), 1.0, label, va="bottom", **style)
    ax.axvline(found.population[q], color=INK, linewidth=0.7, linestyle=(0, (1, 2)))
    ax.set_xlim(low, high)
    ax.set_ylim(0, None)
    without_y(ax)
    return int(((found.none[alone, q] < low) | (found.none[alone, q] > high)).sum())


def _limits(separate: np.ndarray, model: np.ndarray) -> tuple[float, float]:
    """A range that holds both densities whole, less where a few separate fits are far off."""
    first, third = np.percentile(separate, [25, 75])
    reach = 4 * (third - first)
    near = separate[(separate >= first - reach) & (separate <= third + reach)]
    grids = np.concatenate([density(near)[0], density(model)[0]])
    return grids.min(), grids.max()
