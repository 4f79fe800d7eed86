"""Shrinkage on the plane of two varying coefficients: each level alone, pooled, and the population."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from hmlm.results.plots.choose import one_of
from hmlm.results.plots.covariance import effect_covariance
from hmlm.results.plots.cross import draw_names
from hmlm.results.plots.parts import part_title
from hmlm.results.plots.pooling import Pooling, pooling
from hmlm.results.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    MANY,
    ORANGE,
    PAPER,
    QUIET,
    SMALL,
    counted,
    facets,
    headline,
    styled,
)
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

PROBABILITIES = (0.5, 0.9)
FARTHEST = 5.0  # standard deviations from the average level up to which a level alone sets the frame


@styled
def shrinkage(
    fit: Fit,
    x: str | None = None,
    y: str | None = None,
    group: str | None = None,
    resp: str | None = None,
) -> Figure:
    """See :meth:`Plots.shrinkage`."""
    found = pooling(fit, group, resp)
    pair = _pair(found, x, y)
    fig, [ax] = facets(1, 6.0, 5.2)
    covariance = effect_covariance(fit, found.factor, found.predictor, [found.terms[q] for q in pair])
    for probability in PROBABILITIES:
        _draw_ellipse(ax, found, pair, covariance, probability)
    _draw_points(ax, found, pair)
    _draw_pooled(ax, found, pair)
    _draw_key(ax)
    outside = _frame(ax, found, pair, covariance)
    _draw_arrows(ax, found, pair)
    at_x, at_y = found.partial[:, pair].T
    draw_names(ax, at_x, at_y, found.levels, _along_arrows(found, pair))
    ax.set_xlabel(f"{found.terms[pair[0]]}, {part_title(fit, found.predictor)}")
    ax.set_ylabel(f"{found.terms[pair[1]]}, {part_title(fit, found.predictor)}")
    headline(fig, f"Shrinkage of {len(found.levels)} levels of {found.factor}", _note(found, pair, outside))
    return fig


def _pair(found: Pooling, x: str | None, y: str | None) -> list[int]:
    terms = found.terms
    if len(terms) < 2:
        raise HmlmError(
            f"shrinkage needs a plane, two coefficients that vary by {found.factor!r}; only {terms[0]!r} "
            "does: see plot.caterpillar() or plot.separate()"
        )
    first = terms[0] if x is None else one_of(x, terms, "x", "varying coefficient")
    others = [term for term in terms if term != first]
    second = others[0] if y is None else one_of(y, others, "y", "other varying coefficient")
    return [terms.index(first), terms.index(second)]


def _draw_ellipse(
    ax: Axes, found: Pooling, pair: list[int], covariance: np.ndarray, probability: float
) -> None:
    """The region that holds this share of the levels, ``|L^-1 (u - b)|^2 = -2 log(1 - p)``."""
    angle = np.linspace(0, 2 * np.pi, 200)
    radius = np.sqrt(-2 * np.log(1 - probability))
    outline = (
        found.population[pair]
        + radius * np.column_stack([np.cos(angle), np.sin(angle)]) @ _root(covariance).T
    )
    ax.fill(*outline.T, color=FAINT, alpha=0.22, linewidth=0, zorder=0)
    ax.plot(*outline.T, color=QUIET, linewidth=0.6, zorder=0)
    _label_ellipse(ax, outline, np.vstack([found.none, found.partial])[:, pair], f"{100 * probability:g}%")


def _label_ellipse(ax: Axes, outline: np.ndarray, points: np.ndarray, text: str) -> None:
    """The share on the outline, where it is farthest from the points."""
    apart = (outline[:, None] - points[np.isfinite(points).all(axis=1)]) / outline.std(axis=0)
    at = outline[np.argmax((apart**2).sum(axis=2).min(axis=1))]
    place = {"ha": "center", "va": "center", "fontsize": SMALL, "color": QUIET, "clip_on": True}
    ax.text(*at, text, **place, bbox={"facecolor": PAPER, "linewidth": 0, "pad": 0.6})


def _root(covariance: np.ndarray) -> np.ndarray:
    """A square root, for singular matrices too."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))


def _draw_points(ax: Axes, found: Pooling, pair: list[int]) -> None:
    points = {"linewidth": 0.8, "zorder": 2, "s": 8 if len(found.levels) > MANY else 22}
    ax.scatter(*found.none[:, pair].T, facecolors="white", edgecolors=ORANGE, **points)
    ax.scatter(*found.partial[:, pair].T, color=BLUE, **{**points, "linewidth": 0, "zorder": 3})


def _draw_arrows(ax: Axes, found: Pooling, pair: list[int]) -> None:
    """From each level alone to where the model puts it; the limits of the axes have to be final."""
    many = len(found.levels) > MANY
    size = {"shrinkA": 3, "shrinkB": 3, "mutation_scale": 7, "linewidth": 0.8}
    if many:
        size = {"shrinkA": 1.5, "shrinkB": 1.5, "mutation_scale": 4, "linewidth": 0.4, "alpha": 0.6}
    known = np.isfinite(found.none[:, pair]).all(axis=1)
    for ends in np.stack([found.none[known][:, pair], found.partial[known][:, pair]], axis=1):
        if _points_long(ax, ends) > (4 if many else 7):
            ax.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", color=QUIET, zorder=1, **size))


def _along_arrows(found: Pooling, pair: list[int]) -> np.ndarray:
    """(5 J, 2) each level alone and points on the way from there, NaN for levels with too few rows."""
    alone, partial = found.none[:, pair], found.partial[:, pair]
    return np.vstack([alone + share * (partial - alone) for share in np.linspace(0, 0.9, 5)])


def _points_long(ax: Axes, ends: np.ndarray) -> float:
    """Length on paper of a line between two points of the axes."""
    return float(np.linalg.norm(np.diff(ax.transData.transform(ends), axis=0))) * 72 / ax.figure.dpi


def _draw_pooled(ax: Axes, found: Pooling, pair: list[int]) -> None:
    ax.scatter(*found.complete[pair], marker="D", s=34, color=GREEN, linewidth=0, zorder=5)
    ax.scatter(*found.population[pair], marker="+", s=60, color=INK, linewidth=1.2, zorder=6)


def _draw_key(ax: Axes) -> None:
    """What each mark is, in a row above the plane."""
    marks = {
        "each level alone": {"marker": "o", "markerfacecolor": "white", "markeredgecolor": ORANGE},
        "partial pooling": {"marker": "o", "markerfacecolor": BLUE, "markeredgewidth": 0},
        "complete pooling": {"marker": "D", "markerfacecolor": GREEN, "markeredgewidth": 0},
        "average level": {"marker": "+", "markeredgecolor": INK},
    }
    handles = [Line2D([], [], linestyle="", markersize=5, label=k, **mark) for k, mark in marks.items()]
    place = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "ncols": 4, "frameon": False}
    ax.legend(handles=handles, **place, fontsize=SMALL, handletextpad=0.1, columnspacing=1.2, borderpad=0)


def _frame(ax: Axes, found: Pooling, pair: list[int], covariance: np.ndarray) -> int:
    """Limits that hold the population and what lies near it.

    Returns:
        How many levels by themselves lie outside.
    """
    center, reach = found.population[pair], FARTHEST * np.sqrt(np.diag(covariance))
    alone = found.none[:, pair]
    near = alone[(np.abs(alone - center) <= reach).all(axis=1)]
    shown = np.vstack([near, found.partial[:, pair], found.complete[pair], _extremes(center, covariance)])
    low, high = shown.min(axis=0), shown.max(axis=0)
    margin = 0.05 * (high - low)
    ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
    ax.set_ylim(low[1] - margin[1], high[1] + margin[1])
    inside = ((alone >= low - margin) & (alone <= high + margin)).all(axis=1)
    return int((np.isfinite(alone).all(axis=1) & ~inside).sum())


def _extremes(center: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """(2, 2) corners of the box around the largest ellipse."""
    reach = np.sqrt(-2 * np.log(1 - max(PROBABILITIES)) * np.diag(covariance))
    return np.array([center - reach, center + reach])


def _note(found: Pooling, pair: list[int], outside: int) -> str:
    alone = int(np.isnan(found.none[:, pair]).any(axis=1).sum())
    parts = ["Ellipses: where the model expects 50% and 90% of levels."]
    if alone:
        parts.append(f"Too few rows for an estimate of its own: {counted(alone, 'level')}.")
    if outside:
        parts.append(f"Alone outside the frame, with an arrow from there: {counted(outside, 'level')}.")
    return " ".join(parts)
