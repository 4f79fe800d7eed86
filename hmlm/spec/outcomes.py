"""Whether a family takes the outcomes and addition terms that a formula gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from hmlm.spec.family import Family, OutcomeKind
from hmlm.spec.hint import listed
from hmlm.types import DataError, Design, FormulaError, Outcome

Values = np.ndarray

ALLOWED: Mapping[OutcomeKind, Callable[[Values, Values], Values]] = {
    OutcomeKind.REAL: lambda y, n: np.isfinite(y),
    OutcomeKind.POSITIVE: lambda y, n: y > 0,
    OutcomeKind.NONNEGATIVE: lambda y, n: y >= 0,
    OutcomeKind.UNIT: lambda y, n: (y > 0) & (y < 1),
    OutcomeKind.COUNT: lambda y, n: (y >= 0) & (y == np.round(y)),
    OutcomeKind.BINARY: lambda y, n: (y == 0) | (y == 1),
    OutcomeKind.SUCCESSES: lambda y, n: (y >= 0) & (y <= n) & (y == np.round(y)),
}
NEAREST = {
    OutcomeKind.REAL: "bernoulli or categorical for levels",
    OutcomeKind.POSITIVE: "hurdle_gamma where there are zeros, gaussian where there are negative numbers",
    OutcomeKind.NONNEGATIVE: "gaussian for negative numbers",
    OutcomeKind.UNIT: "binomial for successes in trials, gaussian for other numbers",
    OutcomeKind.COUNT: "gamma or lognormal for positive numbers, gaussian for others",
    OutcomeKind.BINARY: "binomial for successes in trials, cumulative or categorical for several levels",
    OutcomeKind.SUCCESSES: "bernoulli where every row is one trial",
}


def check_outcome_values(design: Design, family: Family) -> None:
    """Raise DataError for outcomes that the family does not take, FormulaError for missing trials."""
    for outcome in design.outcomes:
        _check_levels(outcome, family)
        _check_trials(outcome, family)
        _check_values(outcome, family)


def _check_levels(outcome: Outcome, family: Family) -> None:
    if outcome.levels and family.outcome is OutcomeKind.BINARY and len(outcome.levels) != 2:
        some = listed(outcome.levels[:6])
        raise DataError(
            f"outcome {outcome.column!r} has the {len(outcome.levels)} levels {some}, but the family "
            f"{family.name} takes {family.outcome.value}; perhaps {NEAREST[family.outcome]}"
        )


def _check_trials(outcome: Outcome, family: Family) -> None:
    if family.outcome is OutcomeKind.SUCCESSES and "trials" not in outcome.additions:
        raise FormulaError(
            f"the family {family.name} needs the number of trials of each row: "
            f'`{outcome.column} | trials(n) ~ …`; for single trials use family="bernoulli"'
        )


def _check_values(outcome: Outcome, family: Family) -> None:
    trials = outcome.additions.get("trials", np.ones_like(outcome.values))
    bad = ~ALLOWED[family.outcome](outcome.values, trials)
    if np.any(bad):
        first = outcome.values[bad][0]
        raise DataError(
            f"outcome {outcome.column!r} is {first:g} in a row ({np.count_nonzero(bad)} such rows), but the "
            f"family {family.name} takes {family.outcome.value}; perhaps {NEAREST[family.outcome]}"
        )
