"""A random-intercept model of every family, under proper priors that keep its outcomes moderate."""

from __future__ import annotations

from datetime import date

import pandas as pd

import hmlm as hm
from hmlm.spec.family import OutcomeKind

from ..families import LEVELS, TESTED, TRIALS, outcomes_at, sized
from .sbc_models import table

NAMES = tuple(name for name in TESTED if name != "gaussian")
COEFFICIENTS = {"Intercept": "normal(0.3, 0.5)", "b": "normal(0, 0.4)", "sd": "exponential(2)"}
CONSTANTS = {
    "sigma": "gamma(4, 4)",
    "nu": "gamma(3, 0.3)",
    "alpha": "normal(3, 1)",
    "shape": "gamma(6, 3)",
    "phi": "gamma(6, 1)",
    "zi": "beta(2, 3)",
    "hu": "beta(2, 3)",
}


def family_model(name: str) -> hm.Model:
    """The model, with placeholders for its outcomes."""
    family, rows = sized(name), table()
    rows["y"], rows["n"] = outcomes_at(family, 0.3 + 0.4 * rows["x"].to_numpy()), TRIALS
    if family.levels:
        rows["y"] = pd.Categorical.from_codes(rows["y"].astype(int), LEVELS)
    left = "y | trials(n)" if family.outcome is OutcomeKind.SUCCESSES else "y"
    priors = [hm.prior(text, dpar) for dpar, text in CONSTANTS.items() if dpar in family.dpars]
    for dpar in family.locations:
        own = "" if dpar == "mu" else dpar
        priors += [hm.prior(text, class_, dpar=own) for class_, text in COEFFICIENTS.items()]
    return hm.model(f"{left} ~ x + (1 | g)", rows, family=TESTED[name], prior=priors)


def of_today(today: date | None = None) -> str:
    """The family whose turn it is."""
    return NAMES[(today or date.today()).toordinal() % len(NAMES)]
