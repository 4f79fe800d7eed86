"""Hypotheses about parameters as brms's ``hypothesis``: ``steps.pm > 0`` with its posterior odds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.expression import parse_relation
from hmlm.results.lookup import draws_of
from hmlm.results.printout import format_table
from hmlm.results.unknown import check_factor
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

Texts = str | Sequence[str] | Mapping[str, str]

TWO_SIDED = "="
GROUP_CLASSES = ("sd", "cor")
LABEL_WIDTH = 60
UNLIMITED = 10_000
NOTES = """\
---
'CI': {one:g}%-CI for one-sided and {two:g}%-CI for two-sided hypotheses.
'*': one-sided, the posterior probability exceeds {two:g}%; two-sided, the value tested is outside the CI."""
NO_PRIOR = "Evid.Ratio is NA for two-sided hypotheses: it needs draws of the prior, and a fit has none."


@dataclass(frozen=True, eq=False, repr=False)
class Hypotheses:
    """What :meth:`Fit.hypothesis` returns; printing it reads like brms.

    Attributes:
        table: a row per hypothesis, in it ``Estimate`` and ``Est.Error`` of left less right side,
            ``CI.Lower``, ``CI.Upper``, ``Evid.Ratio``, ``Post.Prob`` and ``Star``.
        draws: left less right side, dims ``(chain, draw, hypothesis)``.
        alpha: error probability of the intervals and stars.
        title: what the hypotheses are about, ``"class b"``; empty for full names.
    """

    table: pd.DataFrame
    draws: xr.DataArray
    alpha: float
    title: str

    def __repr__(self) -> str:
        heading = f"Hypothesis Tests for {self.title}:" if self.title else "Hypothesis Tests:"
        notes = NOTES.format(one=100 - 200 * self.alpha, two=100 - 100 * self.alpha)
        lines = [heading, _printed(self.table), notes]
        return "\n".join([*lines, NO_PRIOR] if np.isnan(self.table["Evid.Ratio"].to_numpy()).any() else lines)


def hypothesis(
    fit: Fit, hypotheses: Texts, class_: str | None = "b", group: str = "", alpha: float = 0.05
) -> Hypotheses:
    """Test hypotheses such as ``"steps.pm > 0"`` or ``"exp(sigma_Intercept) = 0.5"``, as in brms.

    Args:
        hypotheses: one or several, by name if a mapping: arithmetic on both sides of ``=``, ``<`` or
            ``>``; unusual names go in back quotes.
        class_: what is put before each name: ``"b"`` for coefficients, ``"sd"`` or ``"cor"`` with a
            group; None for names in full, ``"sigma > 1"``, ``"r_id[3,Intercept] < 0"``.
        group: the grouping factor of ``"sd"`` and ``"cor"``.
        alpha: error probability: one-sided hypotheses get a ``1 - 2 alpha`` interval, two-sided ones
            ``1 - alpha``.

    Returns:
        The table, with the evidence ratio (posterior odds; not defined for ``=`` without draws of the
        prior), and the draws.

    Raises:
        HmlmError: text that cannot be read, or an unknown name, with the nearest one.
    """
    if not 0 < alpha < 0.5:
        raise HmlmError(f"alpha = {alpha}: an error probability lies between 0 and 0.5, say alpha = 0.05")
    prefix = _prefix(fit, class_, group)
    named = _named(hypotheses)
    tested = [_test(fit, text, prefix, alpha) for _, text in named]
    labels = [name or label for (name, _), (label, _, _) in zip(named, tested, strict=True)]
    draws = xr.DataArray(
        np.stack([values for _, values, _ in tested], axis=-1),
        {"chain": fit.posterior["chain"], "draw": fit.posterior["draw"], "hypothesis": labels},
        ("chain", "draw", "hypothesis"),
    )
    table = pd.DataFrame(
        [row for _, _, row in tested], index=pd.Index(labels, dtype=object, name="Hypothesis")
    )
    return Hypotheses(table, draws, alpha, _title(class_, group))


def _named(hypotheses: Texts) -> list[tuple[str, str]]:
    """(name, text) of each; the name is empty where none was given."""
    match hypotheses:
        case str():
            found = [("", hypotheses)]
        case Mapping():
            found = [(str(name), text) for name, text in hypotheses.items()]
        case _:
            found = [("", text) for text in hypotheses]
    if not found or not all(isinstance(text, str) for _, text in found):
        raise HmlmError("give one or more hypotheses as text, fit.hypothesis('x > 0')")
    return found


def _prefix(fit: Fit, class_: str | None, group: str) -> str:
    if not group:
        return f"{class_}_" if class_ else ""
    check_factor(group, [name for name, _ in fit.info.factors], "group: ")
    if class_ not in GROUP_CLASSES:
        raise HmlmError(f"class_ = {class_!r} has no group: group goes with class_='sd' or class_='cor'")
    return f"{class_}_{group}__"


def _title(class_: str | None, group: str) -> str:
    if not class_:
        return ""
    return f"class {class_} of {group}" if group else f"class {class_}"


def _test(fit: Fit, text: str, prefix: str, alpha: float) -> tuple[str, np.ndarray, dict]:
    """Label, (C, S) draws of left less right side and the table's row."""
    left, sign, right = parse_relation(text)
    sides = [
        side.evaluate({name: draws_of(fit, name, prefix) for name in side.names}) for side in (left, right)
    ]
    shape = tuple(fit.posterior.sizes[dim] for dim in ("chain", "draw"))
    values = np.broadcast_to(sides[0] - sides[1], shape)
    _check_defined(text, values)
    label = f"({left.text}) {sign} 0" if right.text == "0" else f"({left.text})-({right.text}) {sign} 0"
    return label, values, _row(values.ravel(), sign, alpha)


def _check_defined(text: str, values: np.ndarray) -> None:
    bad = int(np.isnan(values).sum())
    if bad:
        raise HmlmError(f"`{text}` is undefined (NaN) in {bad} of {values.size} draws")


def _row(values: np.ndarray, sign: str, alpha: float) -> dict:
    tail = alpha / 2 if sign == TWO_SIDED else alpha
    low, high = np.quantile(values, [tail, 1 - tail])
    odds, probability = _evidence(values, sign)
    star = not low <= 0 <= high if sign == TWO_SIDED else probability > 1 - alpha
    return {
        "Estimate": values.mean(),
        "Est.Error": values.std(ddof=1) if len(values) > 1 else np.nan,
        "CI.Lower": low,
        "CI.Upper": high,
        "Evid.Ratio": odds,
        "Post.Prob": probability,
        "Star": "*" if star else "",
    }


def _evidence(values: np.ndarray, sign: str) -> tuple[float, float]:
    """Posterior odds and probability of a one-sided hypothesis; NaN for a two-sided one."""
    if sign == TWO_SIDED:
        return np.nan, np.nan
    holds = int(np.sum(values > 0 if sign == ">" else values < 0))
    fails = len(values) - holds
    return holds / fails if fails else np.inf, holds / len(values)


def _printed(table: pd.DataFrame) -> str:
    """The table with numbered rows and long hypotheses cut."""
    labels = [f"{i} {_short(str(label))}" for i, label in enumerate(table.index, start=1)]
    numbers = format_table(table.drop(columns="Star").set_axis(labels, axis=0), width=UNLIMITED)
    stars = ["Star", *(f"{star:>4}" for star in table["Star"])]
    lines = zip(numbers.split("\n"), stars, strict=True)
    return "\n".join(f"{line} {star}".rstrip() for line, star in lines)


def _short(label: str) -> str:
    return label if len(label) <= LABEL_WIDTH else label[: LABEL_WIDTH - 1] + "…"
