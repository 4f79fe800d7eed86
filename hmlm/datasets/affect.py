"""Daily affect and steps of many people, simulated from a mixed-effects location scale model.

Shaped like the data of Williams et al. (2021): people differ in their mean positive affect, in what a
day with more steps than usual does to it, and in how much it fluctuates; those who feel better on
average fluctuate less.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from hmlm.datasets.effects import group_effects
from hmlm.types import DataError

AFFECT_FORMULA = "PA.std ~ 1 + PA_lag + NA_lag + steps.pm*steps.pmd + (1 + steps.pmd |c| id)"
AFFECT_SIGMA = "~ 1 + NA_lag + steps.pm + (1 |c| id)"
AFFECT_PRIOR: tuple[Mapping[str, str], ...] = (
    {"prior": "normal(0, 1)", "class": "Intercept"},
    {"prior": "normal(0, 1)", "class": "b"},
    {"prior": "exponential(1)", "class": "sd"},
    {"prior": "normal(0, 1)", "class": "Intercept", "dpar": "sigma"},
    {"prior": "exponential(1)", "class": "sd", "dpar": "sigma"},
    {"prior": "lkj(2)", "class": "cor"},
)

AFFECT_TRUTH = MappingProxyType(
    {
        "b_Intercept": 0.05,
        "b_PA_lag": 0.30,
        "b_NA_lag": -0.10,
        "b_steps.pm": 0.20,
        "b_steps.pmd": 0.15,
        "b_steps.pm:steps.pmd": -0.05,
        "b_sigma_Intercept": -0.60,
        "b_sigma_NA_lag": 0.10,
        "b_sigma_steps.pm": -0.10,
        "sd_id__Intercept": 0.50,
        "sd_id__steps.pmd": 0.15,
        "sd_id__sigma_Intercept": 0.40,
        "cor_id__Intercept__steps.pmd": -0.20,
        "cor_id__Intercept__sigma_Intercept": -0.40,
        "cor_id__steps.pmd__sigma_Intercept": 0.20,
    }
)

_TERMS = ("Intercept", "steps.pmd", "sigma_Intercept")
_FEWEST_DAYS = 8


def simulate_affect(
    n_people: int = 60, n_days: int = 40, seed: int = 14, truth: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Daily reports drawn from ``bf(AFFECT_FORMULA, sigma=AFFECT_SIGMA)`` with known parameters.

    People report on some of ``n_days`` days, about 70 % of them on average and never fewer than 8 where
    there are so many. ``PA_lag`` and ``NA_lag`` are a person's previous report; what precedes the first
    one is independent of the person's effects, so that the model is exactly the one that is fitted.

    Args:
        n_people: people.
        n_days: days of the study, the largest number of reports of one person.
        seed: of the random numbers; the same seed gives the same table.
        truth: values that replace those of :data:`AFFECT_TRUTH`.

    Returns:
        Columns ``id, day, PA.std, NA.std, PA_lag, NA_lag, steps.pm, steps.pmd``, one row per report.
        ``attrs["truth"]`` holds the true values under the names of the draws (``b_Intercept`` is that of
        uncentred columns).

    Raises:
        DataError: too few people or days, an unknown name in ``truth`` or impossible values.
    """
    if n_people < 2 or n_days < 2:
        raise DataError(f"simulate_affect: needs two people and two days, got {n_people} and {n_days}")
    values = _complete(truth or {})
    rng = np.random.default_rng(seed)
    effects = group_effects(rng, values, "id", _TERMS, n_people)
    people = [_person(rng, i + 1, n_days, effects[i], values) for i in range(n_people)]
    table = pd.concat(people, ignore_index=True)
    table.attrs["truth"] = values
    return table


def _complete(truth: Mapping[str, float]) -> dict[str, float]:
    for name in truth:
        if name not in AFFECT_TRUTH:
            close = difflib.get_close_matches(name, AFFECT_TRUTH, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(AFFECT_TRUTH)}"
            raise DataError(f"simulate_affect: truth has no parameter '{name}'; {hint}")
    return {**AFFECT_TRUTH, **truth}


def _person(
    rng: np.random.Generator, number: int, n_days: int, effects: np.ndarray, truth: Mapping[str, float]
) -> pd.DataFrame:
    """All reports of one person; ``effects`` are the deviations of :data:`_TERMS`."""
    day = _reported_days(rng, n_days)
    negative = _negative_affect(rng, len(day))
    pm, pmd = rng.normal(0, 0.6), _steps(rng, len(day))
    positive = _positive_affect(rng, negative[:-1], pm, pmd, effects, truth)
    return pd.DataFrame(
        {
            "id": number,
            "day": day,
            "PA.std": positive[1:],
            "NA.std": negative[1:],
            "PA_lag": positive[:-1],
            "NA_lag": negative[:-1],
            "steps.pm": pm,
            "steps.pmd": pmd,
        }
    )


def _reported_days(rng: np.random.Generator, n_days: int) -> np.ndarray:
    """Days with a report, from day 2 on: day 1 serves as the first lag."""
    fewest = min(_FEWEST_DAYS, n_days)
    n = int(np.clip(round(rng.beta(2.5, 1.0) * n_days), fewest, n_days))
    return np.sort(rng.choice(n_days, size=n, replace=False)) + 2


def _steps(rng: np.random.Generator, n: int) -> np.ndarray:
    """Steps of each day as deviations from the person's mean."""
    steps = rng.normal(0, 0.75, n)
    return steps - steps.mean()


def _negative_affect(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n + 1,) values around the person's own mean, the first one before the first report."""
    level, deviation = rng.normal(0, 0.7), rng.normal(0, 0.6, n + 1)
    for t in range(1, n + 1):
        deviation[t] += 0.35 * deviation[t - 1]
    return level + deviation


def _positive_affect(
    rng: np.random.Generator,
    na_lag: np.ndarray,
    pm: float,
    pmd: np.ndarray,
    effects: np.ndarray,
    truth: Mapping[str, float],
) -> np.ndarray:
    """(n + 1,) values of the location scale model, the first one before the first report."""
    rest = (
        truth["b_Intercept"]
        + effects[0]
        + truth["b_NA_lag"] * na_lag
        + truth["b_steps.pm"] * pm
        + (truth["b_steps.pmd"] + effects[1] + truth["b_steps.pm:steps.pmd"] * pm) * pmd
    )
    log_sd = (
        truth["b_sigma_Intercept"]
        + effects[2]
        + truth["b_sigma_NA_lag"] * na_lag
        + truth["b_sigma_steps.pm"] * pm
    )
    residual = rng.normal(0, np.exp(log_sd))
    values = np.concatenate([rng.normal(0, 0.8, 1), rest + residual])
    for t in range(1, len(values)):
        values[t] += truth["b_PA_lag"] * values[t - 1]
    return values
