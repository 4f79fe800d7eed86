"""Influence: how much single rows or levels bear on the posterior, by Pareto's k-hat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hmlm.results.plots.style import BLUE, ORANGE, QUIET, SMALL, counted, facets, headline, styled

if TYPE_CHECKING:
    from hmlm.results.elpd import Elpd

NAMED = 8  # of those above the line


@styled
def influence(elpd: Elpd) -> Figure:
    """See :meth:`Plots.influence`."""
    k, limit = elpd.khat, elpd.good_k
    bad = ~(k <= limit)
    fig, (ax,) = facets(1, 6.0, 3.0)
    at = np.arange(len(k))
    ax.plot(at[~bad], k[~bad], "o", color=BLUE, markersize=2.5, markeredgewidth=0, rasterized=True)
    ax.plot(at[bad], k[bad], "o", color=ORANGE, markersize=4, markeredgewidth=0)
    ax.axhline(limit, color=QUIET, linewidth=0.8, linestyle=":")
    for i in at[bad][np.argsort(-k[bad])][:NAMED]:
        place = {"xytext": (4, 2), "textcoords": "offset points"}
        ax.annotate(str(elpd.labels[i]), (i, k[i]), **place, fontsize=SMALL, color=QUIET)
    ax.set(xlabel=f"{elpd.unit}, in order", ylabel="k-hat")
    ax.set_xlim(-0.02 * len(k), 1.02 * len(k))
    note = f"Above {limit:.2f} (dotted), {counted(int(bad.sum()), elpd.unit)}: the posterior leans on it."
    headline(fig, f"Influence of each {elpd.unit}", note)
    return fig
