"""Location against scale: whether levels with a higher mean vary more or less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from hmlm.results.plots.choose import predictor_index, response_index, spec_of
from hmlm.results.plots.cross import draw_crosses, draw_names
from hmlm.results.plots.intervals import Intervals, in_words, intervals
from hmlm.results.plots.parts import (
    column_of,
    correlation_draws,
    effect_draws,
    level_names,
    prefixed,
    scale_factor,
    varying,
)
from hmlm.results.plots.style import INK, ORANGE, SMALL, facets, headline, styled
from hmlm.results.table import check_prob
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


@styled
def location_scale(fit: Fit, group: str | None = None, resp: str | None = None, prob: float = 0.95) -> Figure:
    """See :meth:`Plots.location_scale`."""
    check_prob(prob)
    spec = spec_of(fit)
    response = response_index(spec, resp)
    scale, factor = scale_factor(fit, response, group)
    mean = _mean_predictor(fit, response, factor)
    location = intervals(effect_draws(fit, factor, mean, "Intercept"), prob)
    ratio = intervals(np.exp(effect_draws(fit, factor, scale, "Intercept")), prob)
    fig, [ax] = facets(1, 5.4, 4.4)
    _draw_average(ax)
    draw_crosses(ax, location, ratio)
    names = (prefixed(spec, mean, "Intercept"), prefixed(spec, scale, "Intercept"))
    cor = correlation_draws(fit, factor, names)
    if cor is not None:
        _draw_line(ax, location, _slope(fit, factor, names, cor))
    _label(ax, factor, column_of(fit, response))
    draw_names(ax, location.estimate, ratio.estimate, level_names(fit, factor))
    note = f"Lines: {100 * prob:g}% intervals. Log axis: equal ratios of sigma are equally far apart."
    more = "" if cor is None else f": correlation {in_words(intervals(cor, prob))}"
    headline(fig, f"Location and scale{more}", note)
    return fig


def _mean_predictor(fit: Fit, response: int, factor: str) -> int:
    spec = spec_of(fit)
    mean = predictor_index(spec, response, "mu")
    if mean is None or "Intercept" not in varying(spec, mean).get(factor, []):
        raise HmlmError(f"the mean's intercept does not vary by {factor!r}: its formula needs (1 | {factor})")
    return mean


def _slope(fit: Fit, factor: str, names: tuple[str, str], cor: xr.DataArray) -> float:
    """Change of log sigma that the model expects for a unit of location, ``cor sd_scale / sd_location``."""
    sd_location, sd_scale = (fit.posterior[f"sd_{factor}__{name}"] for name in names)
    return float((cor * sd_scale / sd_location).mean())


def _draw_line(ax: Axes, location: Intervals, slope: float) -> None:
    """Sigma's ratio that the model expects at each location."""
    ends = np.array([location.estimate.min(), location.estimate.max()])
    ax.plot(ends, np.exp(slope * ends), color=ORANGE, linewidth=1.4, zorder=4)
    place = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "annotation_clip": False}
    ax.annotate("expected", (ends[1], np.exp(slope * ends[1])), **place, color=ORANGE, fontsize=SMALL)


def _draw_average(ax: Axes) -> None:
    line = {"color": INK, "linewidth": 0.6, "linestyle": (0, (1, 2)), "zorder": 0}
    ax.axhline(1, **line)
    ax.axvline(0, **line)


def _label(ax: Axes, factor: str, column: str) -> None:
    ax.set_yscale("log")
    ax.set_yticks(_ratios(*ax.get_ylim()))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"× {value:.2g}"))
    ax.set_xlabel(f"location: deviation of a level of {factor} from the average mean of {column}")
    ax.set_ylabel("scale: sigma relative to the average")


def _ratios(low: float, high: float) -> np.ndarray:
    """Doublings and halvings of the average between two ratios, finer where few fit."""
    step = 1.0 if np.log2(high / low) > 2.5 else 0.5
    powers = np.arange(np.ceil(np.log2(low) / step), np.log2(high) / step) * step
    return 2.0**powers
