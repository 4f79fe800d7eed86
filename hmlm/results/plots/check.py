"""Assumptions at a glance: residuals against expected values, and normality of what should be normal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtri

from hmlm.results.pit import has_pit, quantile_residuals
from hmlm.results.plots.choose import response_index, spec_of
from hmlm.results.plots.parts import column_of
from hmlm.results.plots.style import BLUE, ORANGE, QUIET, facets, headline, styled
from hmlm.results.prediction.truncated import BOUNDING
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

NDRAWS = 400  # that means are taken over
BINS = 20  # of the line through the points
EXTREME = 3  # levels named in each panel


class Residuals(NamedTuple):
    """Residuals of unit scale, what to call them, and how they are made.

    ``note`` is for a model that they are right for: normal, or for Pearson's of mean 0 and variance 1.
    """

    values: np.ndarray
    label: str
    note: str


@styled
def check(fit: Fit, resp: str | None) -> Figure:
    """See :meth:`Plots.check`."""
    response = response_index(spec_of(fit), resp)
    if spec_of(fit).family.levels:
        raise HmlmError(
            f"plot.check is of numbers, and outcomes of the family {spec_of(fit).family} are levels: "
            "plot.pp_check() compares their shares, plot.conditional() shows their probabilities"
        )
    column, expected, residual = column_of(fit, response), _expected(fit, response), _residuals(fit, response)
    effects = _effects(fit)
    fig, axes = facets(3 + len(effects), 3.0, 2.4)
    _linearity(axes[0], expected, residual, column)
    _spread(axes[1], expected, residual, column)
    _quantiles(axes[2], residual.values, "residuals", residual.label)
    for ax, (title, (values, names)) in zip(axes[3:], effects.items(), strict=True):
        _quantiles(ax, values, title, "effect", names)
    note = f"Residuals: {residual.note}. Orange: means of 20 bins. Grey: where normal quantiles would lie."
    headline(fig, f"What {column} is assumed to be", note)
    return fig


def _some(fit: Fit, response: int) -> dict[str, object]:
    return {"resp": spec_of(fit).outcomes[response], "ndraws": min(fit.n_draws, NDRAWS)}


def _expected(fit: Fit, response: int) -> np.ndarray:
    """(N,) expected outcomes; those before truncation where that is all there is."""
    truncated = any(set(names) & BOUNDING for names in spec_of(fit).additions)
    dpar = {"dpar": "mu"} if truncated else {}
    return fit.prediction("epred", **_some(fit, response), **dpar).mean()[0]


def _residuals(fit: Fit, response: int) -> Residuals:
    """Over sigma of plain normal outcomes; of others quantile residuals, or Pearson's without a cdf."""
    spec, outcome = spec_of(fit), spec_of(fit).outcomes[response]
    if spec.normal and not spec.family.log_outcome:
        mean, sigma = (
            fit.prediction("epred", dpar=dpar, **_some(fit, response)).mean()[0] for dpar in ("mu", "sigma")
        )
        note = "outcome minus expected value, over sigma; posterior means"
        return Residuals((fit.observed[outcome].values - mean) / sigma, "residual / sigma", note)
    if has_pit(fit):
        note = "normal quantiles of the probability below each outcome, randomised within steps"
        return Residuals(quantile_residuals(fit)[response], "quantile residual", note)
    found = fit.residuals(type="pearson", **_some(fit, response))
    return Residuals(
        found.mean([dim for dim in found.dims if dim != "row"]).values,
        "Pearson residual",
        "outcome minus expected value, over the standard deviation",
    )


def _effects(fit: Fit) -> dict[str, tuple[np.ndarray, list[str]]]:
    """Posterior means of all levels' effects by factor and term, with the levels' names."""
    return {
        f"{factor}: {term}": (part["Estimate"].to_numpy(), [str(level) for level in part["level"]])
        for factor, table in (fit.ranef() if fit.effects else {}).items()
        for term, part in table.groupby("term", sort=False)
    }


def _linearity(ax: Axes, expected: np.ndarray, residual: Residuals, column: str) -> None:
    _cloud(ax, expected, residual.values)
    ax.axhline(0, color=QUIET, linewidth=0.8)
    ax.set(xlabel=f"expected {column}", ylabel=residual.label, title="Linearity: flat about 0")


def _spread(ax: Axes, expected: np.ndarray, residual: Residuals, column: str) -> None:
    _cloud(ax, expected, np.sqrt(np.abs(residual.values)))
    ax.set(xlabel=f"expected {column}", ylabel=f"√|{residual.label}|", title="Equal spread: flat")


def _cloud(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Points, and the mean of each twentieth of them."""
    ax.plot(
        x, y, "o", color=BLUE, markersize=2, alpha=min(1.0, 300 / len(x)), markeredgewidth=0, rasterized=True
    )
    order = np.array_split(np.argsort(x, kind="stable"), min(BINS, max(2, len(x) // 5)))
    ax.plot([x[part].mean() for part in order], [y[part].mean() for part in order], color=ORANGE)


def _quantiles(ax: Axes, values: np.ndarray, title: str, label: str, names: list[str] | None = None) -> None:
    """Ordered values against the normal distribution's, with the line of equal mean and spread."""
    order = np.argsort(values, kind="stable")
    normal = ndtri((np.arange(len(values)) + 0.5) / len(values))
    ax.plot(normal[[0, -1]], values.mean() + values.std() * normal[[0, -1]], color=QUIET, linewidth=1)
    ax.plot(normal, values[order], "o", color=BLUE, markersize=2.5, markeredgewidth=0, rasterized=True)
    if names is not None:
        _name_extremes(ax, normal, values[order], [names[i] for i in order])
    ax.set(xlabel="normal quantile", ylabel=label, title=title)


def _name_extremes(ax: Axes, x: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    away = np.abs(y - y.mean() - y.std() * x)
    for i in np.argsort(-away)[:EXTREME]:
        place = {"xytext": (4, -3 if y[i] > y.mean() else 3), "textcoords": "offset points"}
        ax.annotate(names[i], (x[i], y[i]), **place, fontsize="x-small", color=QUIET)
