"""Conditional effects: what a model expects along one or two columns, the others held at typical values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hmlm.formula.algebra import read_terms
from hmlm.formula.expression import Node, columns_of
from hmlm.formula.functions import is_categorical
from hmlm.formula.levels import observed_levels
from hmlm.formula.smooth import smooth_columns
from hmlm.formula.table import Use, is_boolean, is_numeric, series
from hmlm.results.prediction.predict import EPRED, KINDS, PREDICT
from hmlm.spec.hint import did_you_mean, listed
from hmlm.types import Design, HmlmError, PredictorFormula

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

PER_UNIT = {"trials": 1, "rate": 1}  # binomial outcomes as shares, counts as rates
RESOLUTION = 100  # points along a number


@dataclass(frozen=True)
class Column:
    """A column of the formula: a number along its range, or levels.

    Attributes:
        name: of the column.
        typical: where it is held: the mean of numbers, the first level.
        values: those it takes when it is the one that is looked at.
        few: those it takes beside another one: mean and one standard deviation either way, or all levels.
    """

    name: str
    typical: Any
    values: np.ndarray
    few: np.ndarray


def conditional_effects(
    fit: Fit,
    effects: str | list[str] | None = None,
    *,
    conditions: Mapping[str, Any] | None = None,
    method: str = EPRED,
    prob: float = 0.95,
    **options: Any,
) -> dict[str, pd.DataFrame]:
    """What the model expects along a column, or along two that interact, the others held.

    Numbers are held at their mean, categories at their first level. Beside another column a number takes
    its mean and one standard deviation either way.

    Args:
        effects: ``"day"``, ``"steps.pm:steps.pmd"`` (along the first, at values of the second) or a list;
            None takes every column of the formula and every pair that interacts.
        conditions: values for columns that are held, ``{"sex": "male"}``.
        method: ``"epred"``, ``"linpred"`` or ``"predict"``.
        prob: probability of the interval.
        options: as in :meth:`Fit.epred`; ``re_formula`` is ``"NA"``, an average level, and ``trials`` and
            ``rate`` of an outcome 1, so that shares and rates are shown, unless said.

    Returns:
        By effect a table with the columns' values, estimate, error and interval.
    """
    if method not in KINDS:
        raise HmlmError(f"method={method!r}: choose one of {listed(KINDS)}{did_you_mean(str(method), KINDS)}")
    predictors = _predictors(fit, method, options)
    known = _columns_of(fit.design, predictors)
    offsets = _columns(fit.design, [atom for text in _offsets(predictors) for atom in read_terms(text).atoms])
    wanted = _wanted(effects, predictors, known)
    return {
        effect: _along(fit, effect.split(":"), offsets | known, dict(conditions or {}), method, prob, options)
        for effect in wanted
    }


def columns_along(fit: Fit, options: Mapping[str, Any]) -> dict[str, Column]:
    """The columns of the formula of the parameter and outcomes that ``options`` name."""
    return _columns_of(fit.design, _predictors(fit, EPRED, options))


def _offsets(predictors: list[PredictorFormula]) -> list[str]:
    """Expressions of their offsets, whose columns are held like others."""
    return [text for terms in predictors for text in terms.offsets]


def _predictors(fit: Fit, method: str, options: Mapping[str, Any]) -> list[PredictorFormula]:
    """Predictors of the parameters that are looked at."""
    asked, locations = options.get("dpar"), fit.spec.family.locations
    wanted = {"mu", *locations} if asked is None or asked in locations else {asked}
    joint = [terms for dpar, terms in fit.design.formula.joint if method == PREDICT or dpar == asked]
    return joint + [
        terms
        for outcome, known in zip(fit.design.formula.outcomes, fit.design.outcomes, strict=True)
        if options.get("resp") in (None, known.name)
        for dpar, terms in outcome.predictors
        if method == PREDICT or dpar in wanted
    ]


def _columns_of(design: Design, predictors: list[PredictorFormula]) -> dict[str, Column]:
    """Those of terms, of monotonic effects and of smooth functions."""
    atoms = [atom for part in predictors for atom in read_terms(part.population).atoms]
    monotonic = [column for part in predictors for column in part.monotonic]
    smooth = [column for part in predictors for term in part.smooths for column in smooth_columns(term)]
    return _columns(design, atoms, monotonic, smooth)


def _columns(
    design: Design, atoms: Sequence[Node], monotonic: Sequence[str] = (), smooth: Sequence[str] = ()
) -> dict[str, Column]:
    categories = {name for atom in atoms if is_categorical(atom) for name in columns_of(atom)}
    categories |= set(monotonic)
    names = dict.fromkeys([*(name for atom in atoms for name in columns_of(atom)), *monotonic, *smooth])
    return {name: _column(design.table, name, name in categories) for name in names if name in design.table}


def _column(table: pd.DataFrame, name: str, category: bool) -> Column:
    values = series(table, name)
    if is_numeric(values) and not is_boolean(values) and not category:
        numbers = values.to_numpy(dtype=float)
        mean, sd = numbers.mean(), numbers.std(ddof=1)
        along = np.linspace(numbers.min(), numbers.max(), RESOLUTION)
        return Column(name, mean, along, np.array([mean - sd, mean, mean + sd]))
    codes = observed_levels(table, Use(name, name)).codes(table)
    _, first = np.unique(codes, return_index=True)
    levels = values.iloc[first].to_numpy(dtype=object)
    return Column(name, levels[0], levels, levels)


def _wanted(
    effects: str | list[str] | None, predictors: list[PredictorFormula], known: dict[str, Column]
) -> list[str]:
    """Names of columns, and of pairs of them that interact."""
    if effects is None:
        pairs = [
            ":".join(names)
            for terms in (read_terms(part.population) for part in predictors)
            for positions in terms.products
            if len(names := [n for i in positions for n in columns_of(terms.atoms[i]) if n in known]) == 2
        ]
        smooth = [f"{s.column}:{s.by}" for part in predictors for s in part.smooths if s.by is not None]
        return list(dict.fromkeys([*known, *pairs, *smooth]))
    wanted = [effects] if isinstance(effects, str) else list(effects)
    for effect in wanted:
        for name in effect.split(":"):
            if name not in known or effect.count(":") > 1:
                hint = did_you_mean(name, known)
                raise HmlmError(f"effects={effect!r}: one or two of the columns {listed(known)}{hint}")
    return wanted


def _along(
    fit: Fit,
    names: list[str],
    known: dict[str, Column],
    conditions: dict[str, Any],
    method: str,
    prob: float,
    options: Mapping[str, Any],
) -> pd.DataFrame:
    first, *others = (known[name] for name in names)
    grid = pd.DataFrame(
        list(product(*(other.few for other in others), first.values)),
        columns=[*(other.name for other in others), first.name],
    )
    held = {name: column.typical for name, column in known.items() if name not in names} | conditions
    table = grid.assign(**{name: value for name, value in held.items() if name not in names})
    newdata = typed(table, fit.design.table)
    defaults = {"re_formula": "NA", **PER_UNIT}
    found = getattr(fit, method)(newdata, summary=True, prob=prob, **{**defaults, **options})
    keys = table[[*names, *(name for name in held if name not in names)]]
    if isinstance(found.index, pd.MultiIndex):
        along = found.index.names[0]
        parts = [keys.assign(**{along: one}).join(found.loc[one]) for one in found.index.unique(along)]
        return pd.concat(parts, ignore_index=True)
    return keys.join(found)


def typed(table: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Columns of the types that the model was fitted to."""
    return table.astype({name: like[name].dtype for name in table if not is_numeric(series(like, name))})


def value_text(value: Any) -> str:
    """A column's value as figures and tables name it."""
    return f"{value:.3g}" if isinstance(value, float | np.floating) else str(value)
