"""Trace plot: draws of every chain in order, with their densities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.plots.density import density
from hmlm.results.plots.sampler import parameter_title, shown_parameters
from hmlm.results.plots.style import CYCLE, INK, facets, headline, styled, without_y

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


@styled
def trace(fit: Fit, regex: str | None = None) -> Figure:
    """See :meth:`Plots.trace`."""
    shown, note = shown_parameters(fit, regex)
    fig, axes = facets(2 * len(shown), 4.2, 1.35, columns=2)
    diverging = fit.sample_stats.get("diverging")
    for row, position in enumerate(shown):
        left, right = axes[2 * row : 2 * row + 2]
        _draw_densities(left, fit.values[position])
        _draw_traces(right, fit.values[position])
        if diverging is not None:
            _draw_divergences(right, fit.values[position], diverging.transpose("chain", "draw").values)
        left.set_title(parameter_title(fit, position).replace("\n", "   "))
    axes[-1].set_xlabel("draw")
    axes[-2].set_xlabel("value")
    n = int(diverging.sum()) if diverging is not None else 0
    ticks = f" Ticks at the bottom: {n} divergences." if n else ""
    headline(fig, "Draws by chain", (note + ticks).strip())
    return fig


def _draw_densities(ax: Axes, draws: np.ndarray) -> None:
    for chain, values in enumerate(draws):
        ax.plot(*density(values), color=CYCLE[chain % len(CYCLE)], linewidth=0.9)
    ax.set_ylim(0, None)
    without_y(ax)


def _draw_traces(ax: Axes, draws: np.ndarray) -> None:
    for chain, values in enumerate(draws):
        ax.plot(values, color=CYCLE[chain % len(CYCLE)], linewidth=0.4, alpha=0.7)
    ax.set_xlim(0, draws.shape[1] - 1)


def _draw_divergences(ax: Axes, draws: np.ndarray, diverging: np.ndarray) -> None:
    at = np.flatnonzero(diverging.any(axis=0))
    ax.plot(at, np.full(len(at), draws.min()), "|", color=INK, markersize=5)
