"""Estimates with intervals, and how a sorted column of them is drawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from hmlm.results.plots.style import BLUE, MANY, QUIET
from hmlm.results.table import estimates


class Intervals(NamedTuple):
    """(P,) posterior means with the bounds of equal-tailed intervals."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, index: np.ndarray) -> Intervals:
        """Those of ``index``, in its order."""
        return Intervals(*(values[index] for values in self))

    def excludes(self, value: float) -> np.ndarray:
        """(P,) whether the interval lies on one side of ``value``."""
        return (self.low > value) | (self.high < value)


def intervals(draws: xr.DataArray, prob: float) -> Intervals:
    """Summaries of draws with dims chain, draw and at most one more, as ``fit.summary`` has them."""
    values = draws.transpose("chain", "draw", ...).values
    flat = values.reshape(*values.shape[:2], -1).transpose(2, 0, 1)
    estimate, _, low, high = estimates(flat, prob).values()
    return Intervals(estimate, low, high)


def in_words(found: Intervals) -> str:
    """One of them as text, ``"0.36 [0.34, 0.38]"``, with the decimals that its width asks for."""
    [value], [low], [high] = found
    decimals = 2
    while decimals < 6 and high - low < 10.0 ** (1 - decimals):
        decimals += 1
    text = f"{value:.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]"
    return text.replace("-", "\N{MINUS SIGN}")


def column_height(n: int) -> float:
    """Inches that ``n`` sorted intervals take."""
    return 0.7 + 0.17 * n if n <= MANY else 5.2


def draw_sorted(ax: Axes, found: Intervals, names: list[str], reference: float) -> np.ndarray:
    """Intervals from the smallest estimate up; those that exclude ``reference`` in colour.

    Returns:
        (P,) the order: positions of the intervals from the bottom up.
    """
    order = np.argsort(found.estimate, kind="stable")
    rank, shown = np.arange(len(order)), found.at(order)
    colors = np.where(shown.excludes(reference), BLUE, QUIET)
    thin = len(order) > MANY
    ax.hlines(rank, shown.low, shown.high, colors=list(colors), linewidth=0.7 if thin else 1.3)
    ax.scatter(shown.estimate, rank, s=3 if thin else 14, c=list(colors), linewidth=0, zorder=3)
    _name(ax, [names[i] for i in order])
    return order


def _name(ax: Axes, names: list[str]) -> None:
    """All names where they fit, else those of the two ends."""
    n = len(names)
    ticks = range(n) if n <= MANY else (0, n - 1)
    ax.set_yticks(list(ticks), [names[i] for i in ticks])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-0.02 * n - 0.6, n - 0.4 + 0.02 * n)
