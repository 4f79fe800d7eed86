"""Prior against posterior of correlations: what the data said about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import beta

from hmlm.results.plots.choose import several_of, spec_of
from hmlm.results.plots.density import density
from hmlm.results.plots.intervals import in_words, intervals
from hmlm.results.plots.style import BLUE, INK, QUIET, SMALL, facets, headline, in_lines, styled, without_y
from hmlm.results.table import check_prob, labels
from hmlm.spec.names import cor_names, cortime_names, rescor_names
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

GRID = np.linspace(-1, 1, 401)


class Correlation(NamedTuple):
    """One correlation of a (size, size) matrix with an LKJ(eta) prior, or ``rho^lag`` of a uniform rho."""

    variable: str
    eta: float
    size: int
    lowest: float | None = None
    lag: int = 1

    @property
    def prior(self) -> str:
        """As the note says it."""
        if self.lowest is None:
            return f"lkj({self.eta:g}) of {self.size} × {self.size}"
        return f"uniform({self.lowest:.3g}, 1) of rho"

    def density(self, rho: np.ndarray) -> np.ndarray:
        """Prior density at correlations in [-1, 1]."""
        if self.lowest is None:
            return lkj_marginal(rho, self.eta, self.size)
        return power_density(rho, self.lowest, self.lag)


def power_density(value: np.ndarray, lowest: float, lag: int) -> np.ndarray:
    """Density of ``rho^lag`` where rho is uniform between ``lowest`` and 1; of lag 2 and more from -1."""
    if lag == 1:
        return np.where(value >= lowest, 1.0 / (1.0 - lowest), 0.0)
    distance = np.maximum(np.abs(value), 0.5 * (GRID[1] - GRID[0])) ** (1.0 / lag - 1.0) / lag
    return distance / 2.0 if lag % 2 else np.where(value >= 0, distance, 0.0)


def lkj_marginal(rho: np.ndarray, eta: float, size: int) -> np.ndarray:
    """Density of one correlation of an LKJ(eta) matrix: (rho + 1) / 2 ~ Beta(a, a), a = eta - 1 + size / 2.

    Args:
        rho: correlations in [-1, 1].
        eta: the prior's shape.
        size: rows of the matrix.

    References:
        Lewandowski, Kurowicka and Joe (2009), doi:10.1016/j.jmva.2009.04.008
    """
    a = eta - 1 + size / 2
    return beta.pdf((rho + 1) / 2, a, a) / 2


@styled
def correlation_prior(fit: Fit, cor: str | Iterable[str] | None = None, prob: float = 0.95) -> Figure:
    """See :meth:`Plots.correlation_prior`."""
    check_prob(prob)
    shown = _shown(fit, cor)
    fig, axes = facets(len(shown), *((4.6, 3.0) if len(shown) == 1 else (2.6, 1.9)), columns=4)
    names = dict(zip((row.variable for row in fit.info.rows), labels(fit.info.rows), strict=True))
    for ax, one in zip(axes, shown, strict=True):
        _draw(ax, fit, one, names[one.variable], prob)
    headline(fig, "Correlations before and after the data", _note(shown, prob))
    return fig


def _note(shown: list[Correlation], prob: float) -> str:
    priors = ", ".join(dict.fromkeys(one.prior for one in shown))
    return f"Dashed: prior ({priors}). Filled: posterior, with its mean and {100 * prob:g}% interval."


def _shown(fit: Fit, cor: str | Iterable[str] | None) -> list[Correlation]:
    every = {one.variable: one for one in _every(fit)}
    if not every:
        raise HmlmError("this model has no correlations: (1 + x | id) has them, (1 + x || id) has none")
    if cor is None:
        return list(every.values())
    by_label = dict(zip(labels(fit.info.rows), (row.variable for row in fit.info.rows), strict=True))
    asked = [by_label.get(word, word) for word in ([cor] if isinstance(cor, str) else cor)]
    return [every[name] for name in several_of(asked, list(every), "cor", "correlation")]


def _every(fit: Fit) -> Iterator[Correlation]:
    spec = spec_of(fit)
    for block in spec.blocks:
        if block.cor is not None:
            yield from (Correlation(name, block.cor, block.size) for name, _, _ in cor_names(spec, block))
        elif block.structure is not None:
            lags = (
                (name, abs(i - j) if block.structure.in_turn else 1) for name, i, j in cor_names(spec, block)
            )
            yield from (Correlation(name, 1.0, block.size, block.lowest_rho, lag) for name, lag in lags)
    if spec.cortime is not None:
        size = len(spec.times)
        yield from (Correlation(name, spec.cortime, size) for name, _, _ in cortime_names(spec))
    if spec.rescor is not None:
        size = len(spec.outcomes)
        yield from (Correlation(name, spec.rescor, size) for name, _, _ in rescor_names(spec))


def _draw(ax: Axes, fit: Fit, one: Correlation, label: str, prob: float) -> None:
    draws = fit.posterior[one.variable]
    grid, height = density(draws.values, -1.0, 1.0)
    prior = one.density(GRID)
    ax.fill_between(grid, height, color=BLUE, alpha=0.28, linewidth=0)
    ax.plot(grid, height, color=BLUE, linewidth=1.1)
    ax.plot(GRID, prior, color=QUIET, linewidth=1.1, linestyle=(0, (4, 2)))
    found = intervals(draws, prob)
    ax.hlines(0, found.low, found.high, color=INK, linewidth=2.2, zorder=3, clip_on=False)
    ax.scatter(found.estimate, 0, s=18, color=INK, linewidth=0, zorder=4, clip_on=False)
    ax.set_xticks([-1, -0.5, 0, 0.5, 1])
    ax.set_xlim(-1, 1)
    ax.set_ylim(0, None)
    without_y(ax)
    ax.set_title(f"{in_lines(label)}\n{in_words(found)}", fontsize=SMALL + 0.5)
