"""The levels of a factor ranked by their residual standard deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.plots.choose import response_index, spec_of
from hmlm.results.plots.intervals import Intervals, column_height, draw_sorted, intervals
from hmlm.results.plots.parts import (
    coefficient_draws,
    column_of,
    effect_draws,
    level_names,
    scale_factor,
)
from hmlm.results.plots.style import ORANGE, SMALL, facets, headline, styled
from hmlm.results.table import check_prob

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


@styled
def ranked_sigma(fit: Fit, group: str | None = None, resp: str | None = None, prob: float = 0.95) -> Figure:
    """See :meth:`Plots.ranked_sigma`."""
    check_prob(prob)
    response = response_index(spec_of(fit), resp)
    predictor, factor = scale_factor(fit, response, group)
    average = coefficient_draws(fit, predictor, "Intercept")
    found = intervals(np.exp(average + effect_draws(fit, factor, predictor, "Intercept")), prob)
    names, center = level_names(fit, factor), intervals(np.exp(average), prob)
    fig, [ax] = facets(1, 5.6, column_height(len(names)) + 0.4)
    draw_sorted(ax, found, names, center.estimate[0])
    _draw_average(ax, center)
    ax.set_xlabel(f"sigma of {column_of(fit, response)}{_where(fit, predictor)}")
    ax.set_ylabel(f"{factor} ({len(names)} levels), by sigma")
    note = f"Lines: {100 * prob:g}% intervals, blue where they exclude the average level's sigma (orange)."
    headline(fig, "Variability within each level", note)
    return fig


def _draw_average(ax: Axes, center: Intervals) -> None:
    """The sigma of a level with no deviation, with its interval as a band."""
    [value], [low], [high] = center
    ax.axvspan(low, high, color=ORANGE, alpha=0.15, linewidth=0, zorder=0)
    ax.axvline(value, color=ORANGE, linewidth=0.8, zorder=0)
    text = f" average {value:.2f}"
    ax.text(value, 1.0, text, transform=ax.get_xaxis_transform(), color=ORANGE, fontsize=SMALL, va="bottom")


def _where(fit: Fit, predictor: int) -> str:
    """Where the other predictors of sigma stand."""
    names = [name for name in spec_of(fit).predictors[predictor].names if name != "Intercept"]
    return f", with {' = '.join(_short(names))} = 0" if names else ""


def _short(names: list[str]) -> list[str]:
    """The columns that are not products of others, and not more of them than fit."""
    plain = [name for name in names if ":" not in name]
    return plain if len(plain) <= 5 else [*plain[:4], "…"]
