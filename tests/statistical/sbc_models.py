"""The models whose inference is calibrated: proper priors throughout, one fixed small design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import hmlm as hm
from hmlm.spec.families import FAMILIES
from hmlm.spec.family import OutcomeKind

from ..families import TRIALS

N_GROUPS = 24
SIZES = (4, 5, 6)  # rows of the groups in turn
N_CROSSED = 12


@dataclass(frozen=True)
class Case:
    """A model and its proper priors.

    Attributes:
        name: what the test report calls it.
        formula: what :func:`hmlm.model` takes.
        prior: of every parameter: a default prior would depend on the simulated data.
        family: of the outcomes.
    """

    name: str
    formula: Any
    prior: Sequence[hm.Prior]
    family: str = "gaussian"

    def model(self, density: str = "auto") -> hm.Model:
        """The model with placeholders for outcomes."""
        return hm.model(self.formula, table(), family=self.family, prior=list(self.prior), density=density)


def table() -> pd.DataFrame:
    """120 rows in 24 groups ``g`` of 4 to 6, crossed with 12 groups ``h``; x varies within groups."""
    rng = np.random.default_rng(20)
    group = np.repeat(np.arange(N_GROUPS), np.resize(SIZES, N_GROUPS))
    n_rows = len(group)
    y, v = rng.normal(size=(2, n_rows))
    h = rng.permutation(n_rows) % N_CROSSED
    table = {"y": y, "v": v, "x": rng.normal(0.5, 1.0, n_rows), "g": group, "h": h}
    return pd.DataFrame({**table, "k": np.arange(n_rows) % 2, "positive": np.exp(y), "n": TRIALS})


COEFFICIENTS = (hm.prior("normal(0, 1)", "Intercept"), hm.prior("normal(0, 1)", "b"))
SDS = (hm.prior("exponential(1)", "sd"), hm.prior("gamma(2, 2)", "sigma"))
CORRELATION = (hm.prior("lkj(1)", "cor"),)
OF_OUTCOMES = [
    hm.prior(text, class_, resp=resp)
    for resp in ("y", "v")
    for text, class_ in (("exponential(1)", "sd"), ("gamma(2, 2)", "sigma"))
]
OF_SIGMA = (
    hm.prior("normal(0, 0.5)", "Intercept", dpar="sigma"),
    hm.prior("normal(0, 0.3)", "b", dpar="sigma"),
    hm.prior("exponential(2)", "sd", dpar="sigma"),
    hm.prior("exponential(1)", "sd"),
)

RANDOM_INTERCEPT = Case("random_intercept", "y ~ x + (1 | g)", (*COEFFICIENTS, *SDS))
CORRELATED_SLOPES = Case("correlated_slopes", "y ~ x + (1 + x | g)", (*COEFFICIENTS, *SDS, *CORRELATION))
CROSSED = Case("crossed", "y ~ x + (1 | g) + (1 | h)", (*COEFFICIENTS, *SDS))
TWO_OUTCOMES = Case(
    "two_outcomes",
    (hm.bf("y ~ x + (1 |c| g)"), hm.bf("v ~ x + (1 |c| g)"), hm.set_rescor()),
    (*COEFFICIENTS, *OF_OUTCOMES, *CORRELATION, hm.prior("lkj(1)", "rescor")),
)
MELSM = Case(
    "melsm",
    hm.bf("y ~ x + (1 |c| g)", sigma="~ x + (1 |c| g)"),
    (*COEFFICIENTS, *OF_SIGMA, *CORRELATION),
)
CASES = (RANDOM_INTERCEPT, CORRELATED_SLOPES, CROSSED, TWO_OUTCOMES, MELSM)

# --- a random intercept of every family --------------------------------------------------------------

OUTCOMES = {
    OutcomeKind.REAL: "y",
    OutcomeKind.POSITIVE: "positive",
    OutcomeKind.BINARY: "k",
    OutcomeKind.COUNT: "k",
    OutcomeKind.SUCCESSES: "k | trials(n)",
}
OF_FAMILY = (
    hm.prior("normal(0, 0.5)", "Intercept"),
    hm.prior("normal(0, 0.5)", "b"),
    hm.prior("exponential(2)", "sd"),
)
OF_CONSTANTS = {"sigma": "gamma(2, 2)", "shape": "gamma(4, 2)", "nu": "gamma(4, 0.5)"}


def of_family(name: str) -> Case:
    """``y ~ x + (1 | g)`` of a family, with proper priors of its constants."""
    family = FAMILIES[name]
    constants = [hm.prior(OF_CONSTANTS[dpar], dpar) for dpar in family.dpars if dpar != "mu"]
    formula = f"{OUTCOMES[family.outcome]} ~ x + (1 | g)"
    return Case(name, formula, (*OF_FAMILY, *constants), family=name)
