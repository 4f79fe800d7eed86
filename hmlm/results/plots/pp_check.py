"""Posterior predictive checks: outcomes next to new ones from the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmlm.density.laws.registry import law_of
from hmlm.results.plots.choose import default_or, design_of, factor_of_rows, one_of, response_index, spec_of
from hmlm.results.plots.density import density
from hmlm.results.plots.parts import column_of
from hmlm.results.plots.style import BLUE, FAINT, INK, ORANGE, SKY, facets, headline, styled, without_y
from hmlm.spec.family import OutcomeKind
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

KINDS = ("density", "bars", "ecdf", "intervals", "group")
CURVES = ("density", "ecdf")
MOST_ROWS = 200  # whose intervals are drawn
MOST_PANELS = 12
MOST_BARS = 40
MOST_CURVES = 30  # of a panel
BEYOND = 0.5  # of the observed range, up to which new outcomes are shown on either side

BOUNDS = {
    OutcomeKind.POSITIVE: (0.0, np.inf),
    OutcomeKind.NONNEGATIVE: (0.0, np.inf),
    OutcomeKind.UNIT: (0.0, 1.0),
}  # of smooth densities
Bounds = tuple[float, float]
Draw = Callable[[Axes, np.ndarray, np.ndarray], None]


@styled
def pp_check(
    fit: Fit, kind: str | None, resp: str | None, group: str | None, ndraws: int | None, seed: int
) -> Figure:
    """See :meth:`Plots.pp_check`."""
    spec = spec_of(fit)
    kind = _kind(spec, kind)
    response = response_index(spec, resp)
    outcome, column = spec.outcomes[response], column_of(fit, response)
    wanted = ndraws or (50 if kind in CURVES else 500)
    new = fit.predict(resp=outcome, ndraws=min(fit.n_draws, wanted), seed=seed)
    new = (
        (new if "sample" in new.dims else new.stack(sample=("chain", "draw")))
        .transpose("sample", "row")
        .values
    )
    observed = fit.observed[outcome].values
    curves = partial(_densities, bounds=BOUNDS.get(spec.family.outcome, (-np.inf, np.inf)))
    if kind == "group":
        return _by_group(fit, observed, new, column, group, _bars if _discrete(spec) else curves)
    fig, (ax,) = facets(1, 5.2, 3.2)
    {"density": curves, "bars": _bars, "ecdf": _ecdfs, "intervals": _intervals}[kind](ax, observed, new)
    if kind == "bars" and (levels := design_of(fit).outcomes[response].levels):
        ax.set_xticks(np.arange(len(levels)), levels)
    ax.set_xlabel("row, by outcome" if kind == "intervals" else column)
    if kind == "intervals":
        ax.set_ylabel(column)
    source = "prior" if fit.info.of_prior else "model"
    headline(fig, f"Observed {column} and {len(new)} data sets from the {source}", _note(kind, len(observed)))
    return fig


def _discrete(spec: Spec) -> bool:
    return law_of(spec.family).discrete


def _kind(spec: Spec, kind: str | None) -> str:
    """The kind asked for, else bars of counts and densities of other outcomes."""
    discrete = _discrete(spec)
    if kind is None:
        return "bars" if discrete else "density"
    one_of(kind, KINDS, "kind", "check")
    if kind == "density" and discrete:
        raise HmlmError(
            f'kind = "density": outcomes of the family {spec.family.name} are whole numbers, which '
            'have no smooth density; take "bars" or "ecdf"'
        )
    if kind == "bars" and not discrete:
        raise HmlmError(
            f'kind = "bars": the family {spec.family.name} is not of counts; take "density" or "ecdf"'
        )
    return kind


def _note(kind: str, n_rows: int) -> str:
    if kind == "bars":
        return "Bars: observed rows of each value. Points and lines: mean and 95% of the new data sets."
    if kind == "intervals":
        some = f"; {MOST_ROWS} of {n_rows} rows, evenly spread" if n_rows > MOST_ROWS else ""
        return f"Lines: 50% and 95% of new outcomes{some}."
    return "Black: observed. Blue: new outcomes of the same rows."


def _frame(observed: np.ndarray) -> Bounds:
    """Where new outcomes are shown: heavy tails would hide the others."""
    low, high = observed.min(), observed.max()
    more = BEYOND * (high - low) or 1.0
    return low - more, high + more


def _densities(ax: Axes, observed: np.ndarray, new: np.ndarray, bounds: Bounds) -> None:
    low, high = _frame(observed)
    for values in new:
        inside = values[(values >= low) & (values <= high)]
        if len(inside) > 1:
            grid, height = density(inside, *bounds)
            ax.plot(grid, height * len(inside) / len(values), color=SKY, linewidth=0.5, alpha=0.6)
    ax.plot(*density(observed, *bounds), color=INK, linewidth=1.6)
    ax.set_ylim(0, None)
    without_y(ax)


def _bars(ax: Axes, observed: np.ndarray, new: np.ndarray) -> None:
    """Rows of each value, or of each few values where there are many."""
    last = int(max(observed.max(), np.quantile(new, 0.995)))
    width = last // MOST_BARS + 1
    edges = np.arange(-0.5, last + width, width)
    counts = np.array([np.histogram(values, edges)[0] for values in new])
    at = (edges[1:] + edges[:-1]) / 2
    low, high = np.quantile(counts, [0.025, 0.975], axis=0)
    ax.bar(at, np.histogram(observed, edges)[0], width=0.85 * width, color=FAINT)
    ax.vlines(at, low, high, color=BLUE, linewidth=1.2)
    ax.plot(at, counts.mean(axis=0), "o", color=BLUE, markersize=3)
    ax.set_ylabel("rows" if width == 1 else f"rows, of {width} values each")
    ax.xaxis.get_major_locator().set_params(integer=True)


def _ecdfs(ax: Axes, observed: np.ndarray, new: np.ndarray) -> None:
    for values in new:
        ax.ecdf(values, color=SKY, linewidth=0.5, alpha=0.6)
    ax.ecdf(observed, color=INK, linewidth=1.6)
    low, high = _frame(observed)
    ax.set_xlim(max(low, new.min()), min(high, new.max()))
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


def _by_group(
    fit: Fit, observed: np.ndarray, new: np.ndarray, column: str, group: str | None, draw: Draw
) -> Figure:
    names = [factor.name for factor in design_of(fit).factors]
    factor = factor_of_rows(design_of(fit), default_or(group, names, "group", "grouping factor"))
    sizes = np.bincount(factor.index, minlength=len(factor.levels))
    shown = np.sort(np.argsort(-sizes, kind="stable")[:MOST_PANELS])
    most = len(new) if draw is _bars else MOST_CURVES
    fig, axes = facets(len(shown), 2.2, 1.6, columns=4, sharex=True)
    for ax, level in zip(axes, shown, strict=True):
        rows = factor.index == level
        if rows.sum() > 1:
            draw(ax, observed[rows], new[:most, rows])
        ax.set_title(f"{factor.levels[level]} ({rows.sum()} rows)", fontsize="small")
    for ax in axes[-4:]:
        ax.set_xlabel(column)
    what = "Bars" if draw is _bars else "Black"
    note = f"{what}: observed. Blue: new outcomes. The {len(shown)} largest of {len(sizes)} levels."
    headline(fig, f"Observed {column} and new outcomes, by {factor.name}", note)
    return fig
