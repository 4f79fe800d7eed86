"""Half-eye plot: density, intervals and mean of each population-level coefficient, by part of the model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.plots.choose import matching, spec_of
from hmlm.results.plots.density import density
from hmlm.results.plots.intervals import in_words, intervals
from hmlm.results.plots.parts import part_title
from hmlm.results.plots.style import BLUE, INK, QUIET, SMALL, facets, headline, styled
from hmlm.results.table import check_prob
from hmlm.spec.names import coefficient_names, intercept_name, monotonic_names
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

INNER = 0.66
HEIGHT = 0.75
KIND = re.compile("^(b|bs|bsp)_")


class Part(NamedTuple):
    """The draws shown of one predictor, the first one at the top."""

    predictor: int
    variables: list[str]


@styled
def coefficients(fit: Fit, regex: str | None = None, prob: float = 0.95) -> Figure:
    """See :meth:`Plots.coefficients`."""
    check_prob(prob)
    shown = _parts(fit, regex)
    tallest = max(len(part.variables) for part in shown)
    fig, axes = facets(len(shown), 5.0, 0.9 + 0.42 * tallest, columns=2)
    for ax, part in zip(axes, shown, strict=True):
        _draw_part(ax, fit, part, prob)
    note = f"Dot: mean. Lines: {100 * INNER:g}% and {100 * prob:g}% intervals. Densities have equal heights."
    headline(fig, "Population-level coefficients", note)
    return fig


def _parts(fit: Fit, regex: str | None) -> list[Part]:
    every = [Part(p, _variables(fit, p)) for p in range(len(spec_of(fit).predictors))]
    rows = [row for row in fit.info.rows if row.section == "population"]
    if not rows:
        raise HmlmError("this model has no population-level coefficients")
    if regex is None:
        wanted = {row.variable for row in rows if not row.label.endswith("Intercept")}
        wanted = wanted or {row.variable for row in rows}
    else:
        wanted = {rows[i].variable for i in matching(rows, regex)}
    kept = [Part(p, [name for name in names if name in wanted]) for p, names in every]
    return [part for part in kept if part.variables]


def _variables(fit: Fit, predictor: int) -> list[str]:
    spec = spec_of(fit)
    intercept = spec.predictors[predictor].intercept is not None
    first = [intercept_name(spec, predictor)] if intercept else []
    monotonic = [b for b, _ in monotonic_names(spec, predictor)]
    return [*first, *coefficient_names(spec, predictor), *monotonic]


def _draw_part(ax: Axes, fit: Fit, part: Part, prob: float) -> None:
    prefix = spec_of(fit).predictors[part.predictor].prefix
    start = f"{prefix}_" if prefix else ""
    names = [KIND.sub("", name).removeprefix(start) for name in part.variables]
    heights = range(len(names) - 1, -1, -1)
    for height, variable in zip(heights, part.variables, strict=True):
        _draw_eye(ax, fit, variable, height, prob)
    if names != ["Intercept"]:
        ax.axvline(0, color=INK, linewidth=0.6, linestyle=(0, (1, 2)), zorder=0)
    ax.set_yticks(list(heights), names)
    ax.tick_params(axis="y", length=0, labelsize=SMALL + 0.5)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-0.35, len(names) - 0.1)
    ax.set_title(part_title(fit, part.predictor))
    ax.set_xlabel("coefficient")


def _draw_eye(ax: Axes, fit: Fit, variable: str, height: float, prob: float) -> None:
    draws = fit.posterior[variable]
    grid, values = density(draws.values)
    top = height + HEIGHT * values / values.max()
    ax.fill_between(grid, height, top, color=BLUE, alpha=0.28, linewidth=0)
    for level, width in ((prob, 1.0), (INNER, 2.6)):
        _, [low], [high] = intervals(draws, level)
        ax.hlines(height, low, high, color=INK, linewidth=width, zorder=3)
    found = intervals(draws, prob)
    ax.scatter(found.estimate, height, s=13, color=INK, linewidth=0, zorder=4)
    place = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": SMALL, "color": QUIET}
    ax.text(1.01, height, in_words(found), **place)
