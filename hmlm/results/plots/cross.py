"""Levels as points on a plane, with an interval each way, and names that keep out of each other's way."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from hmlm.results.plots.intervals import Intervals
from hmlm.results.plots.style import BLUE, MANY, QUIET, SMALL

ANGLES = np.linspace(0, 2 * np.pi, 8, endpoint=False) + np.pi / 4
DISTANCE = 8.0  # points from a mark to the middle of its name


def draw_crosses(ax: Axes, x: Intervals, y: Intervals) -> None:
    """Points at the estimates, thin intervals behind them."""
    many = len(x.estimate) > MANY
    style = {"color": QUIET, "linewidth": 0.5 if many else 0.9, "alpha": 0.35 if many else 0.7, "zorder": 1}
    ax.hlines(y.estimate, x.low, x.high, **style)
    ax.vlines(x.estimate, y.low, y.high, **style)
    ax.scatter(x.estimate, y.estimate, s=10 if many else 18, color=BLUE, linewidth=0, zorder=3)


def draw_names(
    ax: Axes, x: np.ndarray, y: np.ndarray, names: list[str], avoid: np.ndarray | None = None
) -> None:
    """Each name beside its point, where it is farthest from others; none where there are too many.

    The limits of the axes have to be final.

    Args:
        ax: the axes.
        x, y, names: (J,) points and what to call them.
        avoid: (A, 2) more points that names keep away from; NaN are left out.
    """
    if len(names) > MANY:
        return
    on_paper = lambda points: ax.transData.transform(points) * 72 / ax.figure.dpi  # noqa: E731
    others = np.empty((0, 2)) if avoid is None else on_paper(avoid[np.isfinite(avoid).all(axis=1)])
    offsets = name_offsets(on_paper(np.column_stack([x, y])), others)
    for at_x, at_y, offset, name in zip(x, y, offsets, names, strict=True):
        place = {"xytext": tuple(offset), "textcoords": "offset points", "ha": "center", "va": "center"}
        ax.annotate(name, (at_x, at_y), **place, fontsize=SMALL - 1, color=QUIET, zorder=4)


def name_offsets(marks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(J, 2) from each mark to the middle of its name, chosen one by one among the directions around it.

    Farthest from all marks, from the ``others`` (A, 2) and from the names before it.
    """
    directions = DISTANCE * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
    taken, chosen = np.vstack([marks, others]), []
    for mark in marks:
        apart = np.linalg.norm((mark + directions)[:, None] - taken, axis=2)
        chosen.append(directions[np.argmax(apart.min(axis=1))])
        taken = np.vstack([taken, mark + chosen[-1]])
    return np.array(chosen)
