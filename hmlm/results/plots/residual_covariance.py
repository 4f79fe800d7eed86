"""The covariance that the model implies between the rows of one level."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hmlm.results.plots.choose import (
    default_or,
    design_of,
    factor_of_rows,
    one_of,
    predictor_index,
    response_index,
    spec_of,
)
from hmlm.results.plots.covariance import row_covariance
from hmlm.results.plots.parts import column_of, level_names, varying
from hmlm.results.plots.style import BLUE, INK, ORANGE, PAPER, SMALL, facets, headline, styled
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

BOTH = LinearSegmentedColormap.from_list("hmlm", [ORANGE, PAPER, BLUE])
POSITIVE = LinearSegmentedColormap.from_list("hmlm positive", [PAPER, BLUE])
WRITTEN = 12  # rows up to which each cell carries its number
LARGEST = 60


@styled
def residual_covariance(
    fit: Fit, level: str | None = None, group: str | None = None, resp: str | None = None
) -> Figure:
    """See :meth:`Plots.residual_covariance`."""
    spec = spec_of(fit)
    response = response_index(spec, resp)
    _check(spec)
    factors = list(varying(spec, predictor_index(spec, response, "mu")))
    if not factors:
        raise HmlmError("no coefficient of the mean varies by a factor, so rows do not covary")
    factor = default_or(group, factors, "group", "grouping factor")
    names = level_names(fit, factor)
    chosen = names[0] if level is None else one_of(str(level), names, "level", f"level of {factor}")
    index = factor_of_rows(design_of(fit), factor).index
    rows = np.flatnonzero(index == names.index(chosen))
    covariance = row_covariance(fit, response, rows[:LARGEST])
    fig, [ax] = facets(1, 5.2, 3.9)
    _draw(fig, ax, covariance)
    shown = f"{'log ' * spec.family.log_outcome}{column_of(fit, response)}"
    headline(fig, f"Covariance of {shown} within {factor} {chosen}", _note(len(rows)))
    return fig


def _check(spec: Spec) -> None:
    """Raise HmlmError where effects and residuals do not add on one scale."""
    if not spec.normal:
        raise HmlmError(
            f"the covariance of rows is that of effects plus that of residuals where both are on one scale, "
            f"as in plain gaussian and lognormal models; this one is {spec.family.name} with link "
            f"{spec.family.link('mu')}{' and addition terms' if any(spec.additions) else ''}. "
            "fit.var_corr() has the covariances of the effects, fit.icc() shares on the scale of the link"
        )


def _draw(fig: Figure, ax: Axes, covariance: np.ndarray) -> None:
    n, reach = len(covariance), np.abs(covariance).max()
    edges = (0.5, n + 0.5, n + 0.5, 0.5)
    signs = covariance.min() < 0
    image = ax.imshow(
        covariance, cmap=BOTH if signs else POSITIVE, vmin=-reach * signs, vmax=reach, extent=edges
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    if n <= WRITTEN:
        _write(ax, covariance, reach)
    ax.set_xlabel("row of the level")
    ax.set_ylabel("row of the level")
    ax.spines[:].set_visible(False)
    bar = fig.colorbar(image, ax=ax, shrink=0.8, aspect=30)
    bar.set_label("covariance")
    bar.ax.tick_params(labelsize=SMALL, length=2.5)
    bar.outline.set_visible(False)


def _write(ax: Axes, covariance: np.ndarray, reach: float) -> None:
    """Each cell's number, and a tick for every row."""
    n, decimals = len(covariance), max(0, 2 - math.floor(math.log10(reach)))
    place = {"ha": "center", "va": "center", "fontsize": SMALL - 1}
    for i, j in np.ndindex(n, n):
        color = PAPER if abs(covariance[i, j]) > 0.6 * reach else INK
        ax.text(j + 1, i + 1, f"{covariance[i, j]:.{decimals}f}", color=color, **place)
    ax.set_xticks(range(1, n + 1))
    ax.set_yticks(range(1, n + 1))


def _note(n: int) -> str:
    cut = f" The first {LARGEST} of {n} rows." if n > LARGEST else ""
    return f"Off the diagonal: varying coefficients. On it: residuals too.{cut}"
