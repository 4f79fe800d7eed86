"""Energy plot: whether the sampler moves through the energies that the posterior has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hmlm.results.energies import LOW_BFMI, bfmi
from hmlm.results.plots.density import density
from hmlm.results.plots.style import BLUE, ORANGE, SMALL, facets, headline, styled, without_y
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


@styled
def energy(fit: Fit) -> Figure:
    """See :meth:`Plots.energy`."""
    if "energy" not in fit.sample_stats:
        raise HmlmError("the sampler of this fit recorded no energies")
    values = fit.sample_stats["energy"].transpose("chain", "draw").values
    fig, [ax] = facets(1, 4.8, 3.0)
    centered, moves = values - values.mean(axis=1, keepdims=True), np.diff(values, axis=1)
    for shown, color in ((centered, BLUE), (moves, ORANGE)):
        grid, height = density(shown)
        ax.fill_between(grid, height, color=color, alpha=0.2, linewidth=0)
        ax.plot(grid, height, color=color, linewidth=1.2)
    place = {"transform": ax.transAxes, "va": "top", "fontsize": SMALL}
    ax.text(0.99, 0.98, "energy, less its mean", color=BLUE, ha="right", **place)
    ax.text(0.99, 0.90, "change from draw to draw", color=ORANGE, ha="right", **place)
    ax.set_xlabel("energy")
    ax.set_ylim(0, None)
    without_y(ax)
    headline(fig, "Energy", _note(bfmi(values)))
    return fig


def _note(found: np.ndarray) -> str:
    shown = ", ".join(f"{value:.2f}" for value in found)
    low = found.min() < LOW_BFMI
    verdict = f"below {LOW_BFMI}: the tails are explored slowly" if low else f"all above {LOW_BFMI}: fine"
    return f"E-BFMI by chain {shown} ({verdict})."
