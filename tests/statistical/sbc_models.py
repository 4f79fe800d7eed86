"""The models whose inference is calibrated: proper priors throughout, one fixed small design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import hmlm as hm

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
    """

    name: str
    formula: Any
    prior: Sequence[hm.Prior]

    def model(self, density: str = "auto") -> hm.Model:
        """The model with placeholders for outcomes."""
        return hm.model(self.formula, table(), prior=list(self.prior), density=density)


def table() -> pd.DataFrame:
    """120 rows in 24 groups ``g`` of 4 to 6, crossed with 12 groups ``h``.

    x varies within groups ``g``, age between them.
    """
    rng = np.random.default_rng(20)
    group = np.repeat(np.arange(N_GROUPS), np.resize(SIZES, N_GROUPS))
    n_rows = len(group)
    y, v = rng.normal(size=(2, n_rows))
    h = rng.permutation(n_rows) % N_CROSSED
    table = pd.DataFrame({"y": y, "v": v, "x": rng.normal(0.5, 1.0, n_rows), "g": group, "h": h})
    return table.assign(age=rng.normal(size=N_GROUPS)[group])


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
OF_GAMMA = (hm.prior("normal(0, 0.5)", "b", dpar="sd_g"),)
BETWEEN = Case(
    "between",
    hm.bf("y ~ x + (1 + x | g)", sd={"g": "~ age"}),
    (*COEFFICIENTS, *SDS, *CORRELATION, *OF_GAMMA),
)
MELSM_BETWEEN = Case(
    "melsm_between",
    hm.bf("y ~ x + (1 |c| g)", sigma="~ x + (1 |c| g)", sd={"g": "~ age"}),
    (*COEFFICIENTS, *OF_SIGMA, *CORRELATION, *OF_GAMMA),
)
OF_RESCOR = (
    hm.prior("normal(0, 0.5)", "Intercept", dpar="rescor"),
    hm.prior("normal(0, 0.5)", "b", dpar="rescor"),
    hm.prior("exponential(2)", "sd", dpar="rescor"),
)
RESCOR_FORMULA = Case(
    "rescor_formula",
    (hm.bf("y ~ x + (1 |c| g)"), hm.bf("v ~ x"), hm.set_rescor("~ x + (1 |c| g)")),
    (*COEFFICIENTS, *OF_OUTCOMES[:2], OF_OUTCOMES[3], *CORRELATION, *OF_RESCOR),
)
ORDINARY = (RANDOM_INTERCEPT, CORRELATED_SLOPES, CROSSED, TWO_OUTCOMES, MELSM)
CASES = (*ORDINARY, BETWEEN, MELSM_BETWEEN, RESCOR_FORMULA)
