"""Posterior predictive checks: outcomes next to new ones from the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.results.plots.choose import default_or, design_of, one_of, response_index, spec_of
from hmlm.results.plots.density import density
from hmlm.results.plots.parts import column_of
from hmlm.results.plots.style import BLUE, INK, ORANGE, SKY, facets, headline, styled, without_y

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

KINDS = ("density", "ecdf", "intervals", "group")
MOST_ROWS = 200  # whose intervals are drawn
MOST_PANELS = 12


@styled
def pp_check(
    fit: Fit, kind: str, resp: str | None, group: str | None, ndraws: int | None, seed: int
) -> Figure:
    """See :meth:`Plots.pp_check`."""
    spec = spec_of(fit)
    one_of(kind, KINDS, "kind", "check")
    response = response_index(spec, resp)
    outcome, column = spec.outcomes[response], column_of(fit, response)
    wanted = ndraws or (50 if kind in ("density", "ecdf") else 500)
    new = fit.predict(resp=outcome, ndraws=min(fit.n_draws, wanted), seed=seed)
    new = (
        (new if "sample" in new.dims else new.stack(sample=("chain", "draw")))
        .transpose("sample", "row")
        .values
    )
    observed = fit.observed[outcome].values
    if kind == "group":
        return _by_group(fit, observed, new, column, group)
    fig, (ax,) = facets(1, 5.2, 3.2)
    {"density": _densities, "ecdf": _ecdfs, "intervals": _intervals}[kind](ax, observed, new)
    ax.set_xlabel("row, by outcome" if kind == "intervals" else column)
    if kind == "intervals":
        ax.set_ylabel(column)
    source = "prior" if fit.info.of_prior else "model"
    headline(fig, f"Observed {column} and {len(new)} data sets from the {source}", _note(kind, len(observed)))
    return fig


def _note(kind: str, n_rows: int) -> str:
    if kind == "intervals":
        some = f"; {MOST_ROWS} of {n_rows} rows, evenly spread" if n_rows > MOST_ROWS else ""
        return f"Lines: 50% and 95% of new outcomes{some}."
    return "Black: observed. Blue: new outcomes of the same rows."


def _densities(ax: Axes, observed: np.ndarray, new: np.ndarray) -> None:
    for values in new:
        ax.plot(*density(values), color=SKY, linewidth=0.5, alpha=0.6)
    ax.plot(*density(observed), color=INK, linewidth=1.6)
    ax.set_ylim(0, None)
    without_y(ax)


def _ecdfs(ax: Axes, observed: np.ndarray, new: np.ndarray) -> None:
    for values in new:
        ax.ecdf(values, color=SKY, linewidth=0.5, alpha=0.6)
    ax.ecdf(observed, color=INK, linewidth=1.6)
    ax.set_ylabel("share of rows below")


def _intervals(ax: Axes, observed: np.ndarray, new: np.ndarray) -> None:
    order = np.argsort(observed, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, MOST_ROWS).astype(int))]
    at = np.arange(len(chosen))
    for width, share in ((0.6, 0.95), (1.6, 0.5)):
        low, high = np.quantile(new[:, chosen], [0.5 - share / 2, 0.5 + share / 2], axis=0)
        ax.vlines(at, low, high, color=SKY if share > 0.9 else BLUE, linewidth=width)
    ax.plot(at, observed[chosen], "o", color=ORANGE, markersize=2)
    ax.set_xticks([])


def _by_group(fit: Fit, observed: np.ndarray, new: np.ndarray, column: str, group: str | None) -> Figure:
    factors = {factor.name: factor for factor in design_of(fit).factors}
    factor = factors[default_or(group, list(factors), "group", "grouping factor")]
    sizes = np.bincount(factor.index, minlength=len(factor.levels))
    shown = np.sort(np.argsort(-sizes, kind="stable")[:MOST_PANELS])
    fig, axes = facets(len(shown), 2.2, 1.6, columns=4, sharex=True)
    for ax, level in zip(axes, shown, strict=True):
        rows = factor.index == level
        if rows.sum() > 1:
            _densities(ax, observed[rows], new[:30, rows])
        ax.set_title(f"{factor.levels[level]} ({rows.sum()} rows)", fontsize="small")
    for ax in axes[-4:]:
        ax.set_xlabel(column)
    note = f"Black: observed. Blue: new outcomes. The {len(shown)} largest of {len(sizes)} levels."
    headline(fig, f"Observed {column} and new outcomes, by {factor.name}", note)
    return fig
