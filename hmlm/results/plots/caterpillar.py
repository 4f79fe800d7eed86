"""Caterpillar plot: every level's effect with its interval, sorted, one facet per term."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.plots.choose import several_of, spec_of
from hmlm.results.plots.intervals import column_height, draw_sorted, intervals
from hmlm.results.plots.parts import effect_draws, level_names, part_title, prefixed, varying
from hmlm.results.plots.style import INK, facets, headline, styled
from hmlm.results.table import check_prob
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


class Facet(NamedTuple):
    """One term of one factor; ``label`` is brms's, ``"sigma_Intercept"``."""

    factor: str
    predictor: int
    term: str
    label: str


@styled
def caterpillar(
    fit: Fit,
    group: str | Iterable[str] | None = None,
    term: str | Iterable[str] | None = None,
    prob: float = 0.95,
) -> Figure:
    """See :meth:`Plots.caterpillar`."""
    check_prob(prob)
    shown = _shown(fit, group, term)
    height = max(column_height(len(level_names(fit, facet.factor))) for facet in shown)
    fig, axes = facets(len(shown), 3.4, height)
    for ax, facet in zip(axes, shown, strict=True):
        _draw(ax, fit, facet, prob)
    note = f"Lines: {100 * prob:g}% intervals, in blue where they exclude 0. Each panel has its own order."
    headline(fig, "Group effects", note)
    return fig


def _shown(fit: Fit, group: str | Iterable[str] | None, term: str | Iterable[str] | None) -> list[Facet]:
    every = list(_every(fit))
    if not every:
        raise HmlmError("this model has no group effects: a formula has them as (1 | id)")
    groups = several_of(group, list(dict.fromkeys(f.factor for f in every)), "group", "grouping factor")
    of_groups = [facet for facet in every if facet.factor in groups]
    terms = several_of(term, list(dict.fromkeys(f.label for f in of_groups)), "term", "group-level term")
    return [facet for facet in of_groups if facet.label in terms]


def _every(fit: Fit) -> Iterator[Facet]:
    spec = spec_of(fit)
    for factor in spec.factors:
        for p in range(len(spec.predictors)):
            for term in varying(spec, p).get(factor.name, []):
                yield Facet(factor.name, p, term, prefixed(spec, p, term))


def _draw(ax: Axes, fit: Fit, facet: Facet, prob: float) -> None:
    names = level_names(fit, facet.factor)
    found = intervals(effect_draws(fit, facet.factor, facet.predictor, facet.term), prob)
    ax.axvline(0, color=INK, linewidth=0.6, linestyle=(0, (1, 2)))
    draw_sorted(ax, found, names, 0.0)
    several = len(spec_of(fit).factors) > 1
    ax.set_title(f"{facet.factor}: {facet.label}" if several else facet.label)
    ax.set_xlabel(f"deviation, {part_title(fit, facet.predictor)}")
    ax.set_ylabel(f"{facet.factor} ({len(names)} levels)")
