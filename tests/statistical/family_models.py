"""A random-intercept model of every family, under proper priors that keep its outcomes moderate."""

from __future__ import annotations

from datetime import date

import hmlm as hm
from hmlm.spec.family import OutcomeKind

from ..families import TESTED, TRIALS, outcomes_at
from .sbc_models import table

NAMES = tuple(name for name in TESTED if name != "gaussian")
COEFFICIENTS = (
    hm.prior("normal(0.3, 0.5)", "Intercept"),
    hm.prior("normal(0, 0.4)", "b"),
    hm.prior("exponential(2)", "sd"),
)
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
    family = TESTED[name]
    rows = table()
    rows["y"], rows["n"] = outcomes_at(family, 0.3 + 0.4 * rows["x"].to_numpy()), TRIALS
    left = "y | trials(n)" if family.outcome is OutcomeKind.SUCCESSES else "y"
    priors = [hm.prior(CONSTANTS[dpar], dpar) for dpar in family.dpars[1:]]
    return hm.model(f"{left} ~ x + (1 | g)", rows, family=family, prior=[*COEFFICIENTS, *priors])


# Those whose calibration has passed whole; the others run at night until it has.
IN_TURN = ("bernoulli", "poisson")


def of_today(today: date | None = None) -> str:
    """The family whose turn it is."""
    return IN_TURN[(today or date.today()).toordinal() % len(IN_TURN)]
