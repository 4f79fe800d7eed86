"""Assumptions at a glance: residuals against expected values, and normality of what should be normal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtri

from hmlm.results.plots.choose import response_index, spec_of
from hmlm.results.plots.parts import column_of
from hmlm.results.plots.style import BLUE, ORANGE, QUIET, facets, headline, styled

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

NDRAWS = 400  # that means are taken over
BINS = 20  # of the line through the points
EXTREME = 3  # levels named in each panel


@styled
def check(fit: Fit, resp: str | None) -> Figure:
    """See :meth:`Plots.check`."""
    response = response_index(spec_of(fit), resp)
    outcome, column = spec_of(fit).outcomes[response], column_of(fit, response)
    some = {"resp": outcome, "ndraws": min(fit.n_draws, NDRAWS)}
    expected, sigma = (fit.prediction("epred", dpar=dpar, **some).mean()[0] for dpar in ("mu", "sigma"))
    residual = (fit.observed[outcome].values - expected) / sigma
    effects = _effects(fit)
    fig, axes = facets(3 + len(effects), 3.0, 2.4)
    _linearity(axes[0], expected, residual, column)
    _spread(axes[1], expected, residual, column)
    _quantiles(axes[2], residual, "residuals", None)
    for ax, (title, (values, names)) in zip(axes[3:], effects.items(), strict=True):
        _quantiles(ax, values, title, names)
    note = "Residuals: outcome minus expected value, over sigma; posterior means. Orange: means of 20 bins. "
    headline(fig, f"What {column} is assumed to be", note + "Grey: where normal quantiles would lie.")
    return fig


def _effects(fit: Fit) -> dict[str, tuple[np.ndarray, list[str]]]:
    """Posterior means of all levels' effects by factor and term, with the levels' names."""
    return {
        f"{factor}: {term}": (part["Estimate"].to_numpy(), [str(level) for level in part["level"]])
        for factor, table in (fit.ranef() if fit.effects else {}).items()
        for term, part in table.groupby("term", sort=False)
    }


def _linearity(ax: Axes, expected: np.ndarray, residual: np.ndarray, column: str) -> None:
    _cloud(ax, expected, residual)
    ax.axhline(0, color=QUIET, linewidth=0.8)
    ax.set(xlabel=f"expected {column}", ylabel="residual / sigma", title="Linearity: flat about 0")


def _spread(ax: Axes, expected: np.ndarray, residual: np.ndarray, column: str) -> None:
    _cloud(ax, expected, np.sqrt(np.abs(residual)))
    ax.set(xlabel=f"expected {column}", ylabel="√|residual / sigma|", title="Equal spread: flat")


def _cloud(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Points, and the mean of each twentieth of them."""
    ax.plot(
        x, y, "o", color=BLUE, markersize=2, alpha=min(1.0, 300 / len(x)), markeredgewidth=0, rasterized=True
    )
    order = np.array_split(np.argsort(x, kind="stable"), min(BINS, max(2, len(x) // 5)))
    ax.plot([x[part].mean() for part in order], [y[part].mean() for part in order], color=ORANGE)


def _quantiles(ax: Axes, values: np.ndarray, title: str, names: list[str] | None) -> None:
    """Ordered values against the normal distribution's, with the line of equal mean and spread."""
    order = np.argsort(values, kind="stable")
    normal = ndtri((np.arange(len(values)) + 0.5) / len(values))
    ax.plot(normal[[0, -1]], values.mean() + values.std() * normal[[0, -1]], color=QUIET, linewidth=1)
    ax.plot(normal, values[order], "o", color=BLUE, markersize=2.5, markeredgewidth=0, rasterized=True)
    if names is not None:
        _name_extremes(ax, normal, values[order], [names[i] for i in order])
    ax.set(xlabel="normal quantile", ylabel="effect" if names else "residual / sigma", title=title)


def _name_extremes(ax: Axes, x: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    away = np.abs(y - y.mean() - y.std() * x)
    for i in np.argsort(-away)[:EXTREME]:
        place = {"xytext": (4, -3 if y[i] > y.mean() else 3), "textcoords": "offset points"}
        ax.annotate(names[i], (x[i], y[i]), **place, fontsize="x-small", color=QUIET)
