"""The one style of all figures: colours safe for colour-blind readers, thin ink, titles at the left."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable
from typing import TypeVar

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK, QUIET, FAINT, PAPER = "#262626", "#7f7f7f", "#cfcfcf", "#ffffff"
BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER = "#0072b2", "#d55e00", "#009e73", "#aa4499", "#56b4e9", "#e69f00"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER, INK, QUIET)

TEXT, SMALL = 9.0, 7.5
DPI = 150
MANY = 40  # levels above which only the first and the last are named

STYLE = {
    "font.size": TEXT,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.titlesize": TEXT,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.titlesize": TEXT + 2,
    "figure.dpi": DPI,
    "lines.solid_capstyle": "butt",
}

Draw = TypeVar("Draw", bound=Callable[..., Figure])


class Drawing(Figure):
    """A figure that belongs to no window: notebooks show it once, ``savefig`` writes it."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI / 1.5)
        return buffer.getvalue()


def styled(draw: Draw) -> Draw:
    """Run ``draw`` in this style, whatever the user's; nothing outside of it changes."""
    return style.context(["default", STYLE])(draw)  # pyright: ignore[reportReturnType]


def facets(
    n: int, width: float, height: float, columns: int = 3, *, sharex: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure of ``n`` axes of ``width`` x ``height`` inches each, row by row."""
    columns = min(n, columns)
    rows = math.ceil(n / columns)
    fig = Drawing(figsize=(width * columns, height * rows + 0.7), layout="constrained")
    axes = fig.subplots(rows, columns, squeeze=False, sharex=sharex).ravel()
    for ax in axes:
        ax.tick_params(labelsize=SMALL, length=2.5, width=0.6, color=QUIET, labelcolor=INK)
        ax.xaxis.set_major_locator(MaxNLocator(max(4, int(1.5 * width)), steps=[1, 2, 2.5, 5, 10]))
    for ax in axes[n:]:
        ax.remove()
    return fig, list(axes[:n])


def headline(fig: Figure, text: str, note: str = "") -> None:
    """A title at the upper left, and a quiet note at the lower left on how to read the figure."""
    fig.suptitle(text, x=0.01, ha="left")
    if note:
        wrapped = textwrap.fill(note, int(72 * fig.get_figwidth() / (0.58 * SMALL)))
        fig.supxlabel(wrapped, x=0.01, ha="left", fontsize=SMALL, color=QUIET)


def in_lines(label: str, width: int = 34) -> str:
    """A parameter's label, broken at its comma where it is longer than ``width``."""
    return label if len(label) <= width else label.replace(",", ",\n")


def counted(n: int, noun: str) -> str:
    """``"1 level"``, ``"2 levels"``."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def without_y(ax: Axes) -> None:
    """Take the y axis away, where heights mean nothing."""
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
