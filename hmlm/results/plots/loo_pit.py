"""LOO-PIT: whether outcomes fall where the model, without them, expects: their ECDF less the uniform one.

Where the probabilities are uniform, the whole curve stays inside the band with the stated probability.

References:
    Säilynoja, Bürkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6: the simultaneous band
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom

from hmlm.results.plots.choose import response_index, spec_of
from hmlm.results.plots.parts import column_of
from hmlm.results.plots.style import BLUE, INK, SKY, facets, headline, styled
from hmlm.results.table import check_prob

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

MOST_POINTS = 200  # at which the curve is held against the band
SIMULATIONS = 2000
SEED = 0


@styled
def loo_pit(fit: Fit, resp: str | None, prob: float) -> Figure:
    """See :meth:`Plots.loo_pit`."""
    check_prob(prob)
    spec = spec_of(fit)
    responses = range(len(spec.outcomes)) if resp is None else [response_index(spec, resp)]
    found = fit.loo_pit()
    fig, axes = facets(len(responses), 4.4, 3.0)
    for ax, response in zip(axes, responses, strict=True):
        _draw(ax, found[spec.outcomes[response]], column_of(fit, response), prob)
    axes[0].set_ylabel("share of rows, less the uniform one")
    headline(fig, "Calibration: each row predicted without itself", _note(prob))
    return fig


def ecdf_difference(pit: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(K,) share of ``pit`` up to each point, less that of a uniform distribution."""
    return np.searchsorted(np.sort(pit), at, side="right") / len(pit) - at


def simultaneous_band(n: int, at: np.ndarray, prob: float) -> tuple[np.ndarray, np.ndarray]:
    """(K,) lower and upper limits that the differences of ``n`` uniform values keep at all points together.

    Pointwise limits are binomial quantiles of one tail probability, chosen such that ``prob`` of simulated
    samples never leave them.
    """
    rng = np.random.default_rng(SEED)
    steps = np.diff(np.concatenate([[0.0], at, [1.0]]))
    counts = rng.multinomial(n, steps, size=SIMULATIONS)[:, :-1].cumsum(axis=1)
    tails = np.minimum(binom.cdf(counts, n, at), binom.sf(counts - 1, n, at)).min(axis=1)
    tail = np.quantile(tails, 1 - prob)
    return binom.ppf(tail, n, at) / n - at, binom.isf(tail, n, at) / n - at


def _draw(ax: Axes, pit: xr.DataArray, column: str, prob: float) -> None:
    """The curve over its band, and in words whether it leaves it."""
    values = pit.values[np.isfinite(pit.values)]
    n_points = min(len(values), MOST_POINTS)
    at = np.arange(1, n_points) / n_points
    difference, (low, high) = ecdf_difference(values, at), simultaneous_band(len(values), at, prob)
    grid, low_all, high_all, curve = (np.pad(inner, 1) for inner in (at, low, high, difference))
    grid[-1] = 1.0
    ax.fill_between(grid, low_all, high_all, color=SKY, alpha=0.3, linewidth=0)
    ax.axhline(0, color=INK, linewidth=0.6, linestyle=(0, (1, 2)))
    ax.plot(grid, curve, color=BLUE, linewidth=1.2)
    leaves = ((difference < low) | (difference > high)).any()
    ax.set_title(f"{column}: {'leaves' if leaves else 'inside'} the band")
    ax.set(xlabel="LOO-PIT, probability below the outcome", xlim=(0, 1))


def _note(prob: float) -> str:
    return (
        f"Band: {100 * prob:g}% of calibrated models' curves stay inside it all along. First above 0, then "
        "below: outcomes vary more than the model says; the other way round: less; on one side: shifted."
    )
