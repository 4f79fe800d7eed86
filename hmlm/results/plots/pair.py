"""Two group effects against each other: whether levels with more of one have more of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.effects import joined
from hmlm.results.plots.choose import default_or, one_of, spec_of
from hmlm.results.plots.cross import draw_crosses, draw_names
from hmlm.results.plots.intervals import in_words, intervals
from hmlm.results.plots.parts import correlation_draws, level_names
from hmlm.results.plots.style import INK, facets, headline, styled
from hmlm.results.table import check_prob

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


@styled
def pair(fit: Fit, x: str, y: str, group: str | None = None, prob: float = 0.95) -> Figure:
    """See :meth:`Plots.pair`."""
    check_prob(prob)
    factors = list(dict.fromkeys(factor.name for factor in spec_of(fit).factors))
    factor = default_or(group, factors, "group", "grouping factor")
    draws = joined(fit.effects, factor)[factor]
    terms = [str(term) for term in draws.coords["term"].values]
    one_of(x, terms, "x", "group-level term")
    one_of(y, terms, "y", "group-level term")
    found = [intervals(draws.sel(term=term), prob) for term in (x, y)]
    fig, [ax] = facets(1, 5.4, 4.4)
    _draw_average(ax)
    draw_crosses(ax, *found)
    draw_names(ax, found[0].estimate, found[1].estimate, level_names(fit, factor))
    ax.set_xlabel(f"{x}: deviation of a level of {factor}")
    ax.set_ylabel(f"{y}: deviation")
    cor = correlation_draws(fit, factor, (x, y))
    more = "" if cor is None else f": correlation {in_words(intervals(cor, prob))}"
    headline(fig, f"{x} and {y}{more}", f"Lines: {100 * prob:g}% intervals.")
    return fig


def _draw_average(ax: Axes) -> None:
    line = {"color": INK, "linewidth": 0.6, "linestyle": (0, (1, 2)), "zorder": 0}
    ax.axhline(0, **line)
    ax.axvline(0, **line)
