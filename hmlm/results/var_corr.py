"""Standard deviations, correlations and covariances of group effects, printed as lme4's ``VarCorr``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.covariances import RESIDUAL, Component, components, covariance_draws, sigma_names
from hmlm.results.printout import format_table
from hmlm.results.residual_levels import ResidualLevels, residual_levels
from hmlm.results.table import estimates

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

UNLIMITED = 10_000
WIDTH = 110
MEANING = "Posterior means with {percent:g}% intervals; those of correlations and covariances: .cor, .cov."
SERIES = (
    "The residual standard deviation is that given the row before, ar(); with cov = TRUE residuals have "
    "sigma / sqrt(1 - ar[1]²)."
)
CORRELATES = 'No residual correlation: it has a formula; epred(dpar="rescor") gives that of each row.'
REPEATED = "Residuals of a series correlate, {term}: their correlations are in the summary."
VARIES = "No residual standard deviation: sigma has a formula{where}."


@dataclass(frozen=True, eq=False, repr=False)
class VarCorr:
    """What :meth:`Fit.var_corr` returns; printing it reads like lme4.

    Attributes:
        sd: a row per term: ``group``, ``term``, estimate, error and interval.
        cor: a row per correlation that is a parameter: ``group``, ``term``, ``term2`` and the same.
        cov: a row per variance (``term`` equals ``term2``) and covariance.
        prob: probability of the intervals.
        varying: outcomes whose sigma depends on more than factors, ``""`` for a lone outcome. Where it
            depends on factors alone, the residuals have a row per level.
        series: whether residuals follow each other, ``ar()``: sigma is then that of what is new in each.
        correlates: whether the residual correlation has a formula, so that there is no one value.
        repeated: the term that says how residuals of a series correlate, ``"cosy()"``, "" without one.
    """

    sd: pd.DataFrame
    cor: pd.DataFrame
    cov: pd.DataFrame
    prob: float
    varying: tuple[str, ...] = ()
    series: bool = False
    correlates: bool = False
    repeated: str = ""

    def __repr__(self) -> str:
        return "\n".join([*_lines(self), *_notes(self)])

    def to_frame(self) -> pd.DataFrame:
        """Posterior means laid out as lme4's ``as.data.frame(VarCorr(fit))`` and :meth:`MlFit.var_corr`.

        Columns ``grp``, ``var1``, ``var2``, ``vcov`` (variance or covariance) and ``sdcor`` (standard
        deviation or correlation).
        """
        named = pd.concat([self.sd.assign(term2=self.sd["term"]), self.cor])
        both = self.cov.merge(named, on=["group", "term", "term2"], suffixes=("", "_sdcor"))
        return pd.DataFrame(
            {
                "grp": both["group"].astype(object),
                "var1": _or_none(both["term"], both["term"] == ""),
                "var2": _or_none(both["term2"], both["term"] == both["term2"]),
                "vcov": both["Estimate"],
                "sdcor": both["Estimate_sdcor"],
            }
        )


def var_corr(fit: Fit, summary: bool = True, prob: float = 0.95) -> VarCorr | dict[str, xr.DataArray]:
    """Standard deviations, correlations and covariances of group effects and residuals.

    Standard deviations that depend on covariates of levels, ``bf(..., sd=...)``, are those at the mean of the
    covariates. Where sigma differs by the levels of factors, residuals have a row per level.

    Args:
        summary: True gives tables with intervals, ``.sd``, ``.cor`` and ``.cov``, that print as lme4's
            ``VarCorr``; False the draws of the covariance matrices by group, dims
            ``(chain, draw, term, term2)``.
        prob: probability of the intervals.
    """
    return _tables(fit, prob) if summary else covariance_draws(fit)


def _tables(fit: Fit, prob: float) -> VarCorr:
    by_level = {part.outcome: part for part in residual_levels(fit)}
    found = (*components(fit), *(_of_levels(part) for part in by_level.values()))
    varying = tuple(
        outcome
        for outcome, name in sigma_names(fit).items()
        if name not in fit.posterior and outcome not in by_level
    )
    return VarCorr(
        sd=_table([key for c in found for key in _terms(c)], [c.sd for c in found], prob, ("group", "term")),
        cor=_table([key for c in found for key in _pairs(c)], [c.cor for c in found], prob),
        cov=_table([key for c in found for key in _all(c)], [_covariances(c) for c in found], prob),
        prob=prob,
        varying=varying,
        series=fit.spec is not None and fit.spec.in_turn,
        correlates=fit.spec is not None and fit.spec.rescor_predictor is not None,
        repeated=fit.spec.autocor.term if fit.spec is not None and fit.spec.repeated else "",
    )


def _of_levels(part: ResidualLevels) -> Component:
    """Residuals of an outcome whose standard deviation differs by level, uncorrelated."""
    prefix = f"{part.outcome}_" if part.outcome else ""
    terms = tuple(f"{prefix}{level}" for level in part.levels)
    return Component(RESIDUAL, terms, part.sd, (), np.empty((0, *part.sd.shape[1:])))


def _or_none(names: pd.Series, empty: pd.Series) -> pd.Series:
    values = [None if flag else name for name, flag in zip(names, empty, strict=True)]
    return pd.Series(values, dtype=object)


def _terms(component: Component) -> Iterator[tuple[str, ...]]:
    return ((component.group, term) for term in component.terms)


def _pairs(component: Component) -> Iterator[tuple[str, ...]]:
    terms = component.terms
    return ((component.group, terms[j], terms[i]) for i, j in component.pairs)


def _all(component: Component) -> Iterator[tuple[str, ...]]:
    """Variances, then covariances, as in lme4's table."""
    yield from ((component.group, term, term) for term in component.terms)
    yield from _pairs(component)


def _covariances(component: Component) -> np.ndarray:
    """(P, C, S) draws of the entries of :func:`_all`."""
    matrices = component.covariance()
    diagonal = [(i, i) for i in range(len(component.terms))]
    return np.array([matrices[:, :, i, j] for i, j in (*diagonal, *component.pairs)])


def _table(
    keys: Sequence[tuple[str, ...]],
    draws: Sequence[np.ndarray],
    prob: float,
    names: tuple[str, ...] = ("group", "term", "term2"),
) -> pd.DataFrame:
    columns = estimates(np.concatenate(draws) if draws else np.empty((0, 1, 1)), prob)
    texts = pd.DataFrame(list(keys), columns=list(names), dtype=object)
    return texts.assign(**{name: np.asarray(values, float) for name, values in columns.items()})


# --- printing -------------------------------------------------------------------------------------


def _lines(result: VarCorr) -> Iterator[str]:
    """The numbers of standard deviations with the triangle of correlations at their right."""
    groups, terms = ["Groups", *_once(result.sd["group"])], ["Name", *result.sd["term"]]
    width = max(map(len, groups))
    labels = [f"{group:<{width}} {term}" for group, term in zip(groups, terms, strict=True)]
    numbers = result.sd.drop(columns=["group", "term"]).rename(columns={"Estimate": "Std.Dev."})
    size = max(map(len, labels))
    body = format_table(
        numbers.set_axis([label.ljust(size) for label in labels[1:]], axis=0), width=UNLIMITED
    )
    header, *rows = body.split("\n")
    yield (labels[0].ljust(size) + header[size:] + ("  Corr" if len(result.cor) else "")).rstrip()
    for line, corr in zip(rows, _triangle(result), strict=True):
        yield f"{line}  {corr}".rstrip()


def _once(names: Sequence[str]) -> list[str]:
    """Names, blank where they repeat the one above."""
    names = list(names)
    above = [None, *names]
    return [name if name != before else "" for name, before in zip(names, above, strict=False)]


def _triangle(result: VarCorr) -> Iterator[str]:
    """Per row of the table its correlations with the rows of its group above."""
    found = {(row.group, row.term2, row.term): row.Estimate for row in result.cor.itertuples()}
    keys = list(zip(result.sd["group"], result.sd["term"], strict=True))
    for at, (group, term) in enumerate(keys):
        above = [other for other_group, other in keys[:at] if other_group == group]
        cells = [found.get((group, term, other)) for other in above]
        yield " ".join(f"{'' if cell is None else f'{cell:z.2f}':>5}" for cell in cells).rstrip()


def _notes(result: VarCorr) -> list[str]:
    notes = [MEANING.format(percent=100 * result.prob)] if len(result.sd) else []
    notes.extend([SERIES] if result.series else [])
    notes.extend([CORRELATES] if result.correlates else [])
    notes.extend([REPEATED.format(term=result.repeated)] if result.repeated else [])
    if result.varying:
        where = ", ".join(outcome for outcome in result.varying if outcome)
        notes.append(VARIES.format(where=f" ({where})" if where else ""))
    return [textwrap.fill(note, WIDTH) for note in notes]
