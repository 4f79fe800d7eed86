"""Rank plot: where the draws of each chain stand among those of all chains; flat where chains agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom, rankdata

from hmlm.results.plots.sampler import parameter_title, shown_parameters
from hmlm.results.plots.style import CYCLE, FAINT, QUIET, SMALL, facets, headline, styled
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

BINS = 20


@styled
def rank(fit: Fit, regex: str | None = None) -> Figure:
    """See :meth:`Plots.rank`."""
    if len(fit.values[0]) < 2:
        raise HmlmError("a rank plot compares chains, and this fit has one: see plot.trace()")
    shown, note = shown_parameters(fit, regex)
    fig, axes = facets(len(shown), 3.6, 1.9)
    for ax, position in zip(axes, shown, strict=True):
        _draw(ax, rank_counts(fit.values[position]), fit.values[position].size)
        ax.set_title(parameter_title(fit, position), fontsize=SMALL)
    band = "Lines: draws of each chain per bin of ranks. Band: 95% of bins if draws were independent."
    headline(fig, "Ranks by chain", f"{band} {note}".strip())
    return fig


def rank_counts(draws: np.ndarray) -> np.ndarray:
    """(C, BINS) draws of each chain per bin of their ranks among all draws ``(C, S)``.

    References:
        Vehtari et al. (2021), doi:10.1214/20-BA1221
    """
    ranks = rankdata(draws, method="average").reshape(draws.shape)
    edges = np.linspace(0.5, draws.size + 0.5, BINS + 1)
    return np.array([np.histogram(chain, edges)[0] for chain in ranks])


def _draw(ax: Axes, counts: np.ndarray, n: int) -> None:
    expected = counts.sum() / counts.size
    low, high = binom.ppf([0.025, 0.975], round(n / len(counts)), 1 / BINS)
    ax.axhspan(low, high, color=FAINT, alpha=0.5, linewidth=0, zorder=0)
    ax.axhline(expected, color=QUIET, linewidth=0.6, zorder=0)
    edges = np.linspace(0, n, BINS + 1)
    for chain, values in enumerate(counts):
        ax.stairs(values, edges, baseline=None, color=CYCLE[chain % len(CYCLE)], linewidth=0.9)
    ax.set_xlim(0, n)
    ax.set_ylim(0, max(2 * expected, 1.08 * counts.max()))
    ax.set_xlabel("rank")
    ax.set_ylabel("draws")
