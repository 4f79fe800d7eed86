"""Where a family of levels meets its outcome: codes for the levels, and the parameters they bring.

How many thresholds or linear predictors there are depends on the data. :func:`with_levels` stands between
the design and the specification, so that everything after it knows them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from hmlm.formula.levels import level_text
from hmlm.formula.notice import notice
from hmlm.formula.table import is_text
from hmlm.spec.checks import TRUTH
from hmlm.spec.family import Dpar, Family, OutcomeKind
from hmlm.spec.hint import listed
from hmlm.spec.support import Support
from hmlm.types import DataError, Design, Distribution, FormulaError, Outcome, PredictorDesign

Levels = tuple[str, ...]
Predictors = tuple[PredictorDesign, ...]
NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z]")
OF_INTERCEPT = Distribution("student_t", (3.0, 0.0, 2.5))
MOST_LEVELS = 100
SHOWN = 6  # levels in one message


def with_levels(design: Design, family: Family) -> tuple[Design, Family]:
    """Design and family after they met: unchanged unless the family is one of levels.

    Outcomes of whole numbers become codes from 0 of the numbers there are, in order.

    Raises:
        DataError: an outcome that is not text, categories, true and false or whole numbers.
        FormulaError: several outcomes, or a formula that the family cannot have.
    """
    if family.outcome is not OutcomeKind.LEVELS or family.levels:
        return design, family
    if len(design.outcomes) > 1:
        raise FormulaError(
            f"the family {family.name} takes one outcome, this model has {len(design.outcomes)}; "
            "fit them apart"
        )
    outcome = _coded(design.outcomes[0], family)
    _check_few(outcome, family)
    _notice_unused(design, outcome)
    found = of_levels(family, outcome.levels)
    if found.thresholds:
        _notice_alphabet(design, outcome)
    predictors = PREDICTORS_OF[family.name](design.predictors, found)
    return replace(design, outcomes=(outcome,), predictors=predictors), found


def of_levels(family: Family, levels: Levels) -> Family:
    """The family with the parameters that these levels bring."""
    return FAMILIES_OF[family.name](family, levels)


def cumulative_of(family: Family, levels: Levels) -> Family:
    """A threshold between each two neighbouring levels."""
    numbers = range(1, len(levels))
    thresholds = tuple(Dpar(f"Intercept[{k}]", Support.ORDERED, ("identity",), coef=str(k)) for k in numbers)
    return replace(
        family,
        parameters=(*family.parameters, *thresholds),
        links=(*family.links, *(p.links[0] for p in thresholds)),
        levels=levels,
    )


def categorical_of(family: Family, levels: Levels) -> Family:
    """A linear predictor of each level but the first, which is the reference: ``muB`` of the level B."""
    names = [f"mu{NOT_IN_NAMES.sub('', level)}" for level in levels[1:]]
    twice = next((name for name in names if names.count(name) > 1 or name == "mu"), None)
    if twice is not None:
        raise DataError(
            f"the levels {listed(levels[:SHOWN])} do not have names of their own without signs and spaces "
            f"(the name {twice!r} is taken); rename the levels"
        )
    own = tuple(replace(family.parameters[0], name=name, intercept=OF_INTERCEPT) for name in names)
    links = (family.links[0],) * len(own)
    return replace(family, parameters=own, links=links, levels=levels)


def _by_category(predictors: Predictors, family: Family) -> Predictors:
    """One predictor per level but the first: its own formula, or that of the outcome."""
    known = {predictor.dpar: predictor for predictor in predictors}
    shared = known.pop("mu")
    own = tuple(known.pop(dpar, replace(shared, dpar=dpar)) for dpar in family.locations)
    return (*own, *known.values())


def _with_thresholds(predictors: Predictors, family: Family) -> Predictors:
    """As they are; raises FormulaError where mu has no intercept, whose place the thresholds take."""
    for predictor in predictors:
        if predictor.dpar == "mu" and not predictor.population.intercept:
            raise FormulaError(
                f"the family {family.name} has thresholds where other families have an intercept: leave "
                "`0 +` (or `-1`, or `0 + Intercept`) out of the formula"
            )
    return predictors


FAMILIES_OF: Mapping[str, Callable[[Family, Levels], Family]] = {
    "cumulative": cumulative_of,
    "categorical": categorical_of,
}
PREDICTORS_OF: Mapping[str, Callable[[Predictors, Family], Predictors]] = {
    "cumulative": _with_thresholds,
    "categorical": _by_category,
}


def _coded(outcome: Outcome, family: Family) -> Outcome:
    """The outcome with codes from 0; those of text and categories have them."""
    if outcome.levels:
        return outcome
    values = outcome.values
    bad = ~(np.isfinite(values) & (values == np.round(values)))
    if np.any(bad):
        raise DataError(
            f"outcome {outcome.column!r} is {values[bad][0]:g} in a row ({np.count_nonzero(bad)} such rows), "
            f"but the family {family.name} takes {family.outcome.value}; perhaps gaussian for other numbers"
        )
    found, codes = np.unique(values, return_inverse=True)
    gaps = np.setdiff1d(np.arange(found[0], found[-1]), found)
    if len(gaps):
        notice(f"outcome {outcome.column!r} is never {_few(gaps)}: the levels are {_few(found)}")
    return replace(outcome, values=codes.astype(np.float64), levels=tuple(map(_text, found)))


def _check_few(outcome: Outcome, family: Family) -> None:
    if len(outcome.levels) > MOST_LEVELS:
        raise DataError(
            f"outcome {outcome.column!r} has {len(outcome.levels)} levels, and the family {family.name} has "
            f"parameters for each: it takes up to {MOST_LEVELS}; perhaps gaussian or poisson"
        )


def _notice_alphabet(design: Design, outcome: Outcome) -> None:
    """Say which order levels of text got."""
    column = None if design.table is None else design.table.get(outcome.column)
    if column is None or not is_text(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return
    if outcome.levels != TRUTH:
        order = " < ".join(outcome.levels[:SHOWN]) + (" …" if len(outcome.levels) > SHOWN else "")
        notice(
            f"outcome {outcome.column!r} is text, its levels have the order {order}; for another one make it "
            "an ordered pd.Categorical"
        )


def _notice_unused(design: Design, outcome: Outcome) -> None:
    """Say which categories of a pandas column no row has."""
    column = None if design.table is None else design.table.get(outcome.column)
    if column is None or not isinstance(column.dtype, pd.CategoricalDtype):
        return
    unused = [text for text in map(level_text, column.cat.categories) if text not in outcome.levels]
    if unused:
        notice(
            f"outcome {outcome.column!r}: no row has the category {listed(unused[:SHOWN])}; the levels are "
            f"{listed(outcome.levels[:SHOWN])}"
        )


def _few(numbers: np.ndarray) -> str:
    return listed([_text(number) for number in numbers[:SHOWN]]) + (" …" if len(numbers) > SHOWN else "")


def _text(number: float) -> str:
    return f"{number:.0f}"
