"""Posteriors next to lme4's estimates, closer than their standard errors would tell apart.

Fixed effects lie within 0.15 of their standard errors (0.4 for the generalised model, whose estimates are by
Laplace's approximation), standard deviations within 10 %. What is compared is the posterior median: the mean
of a standard deviation of few levels (25 hospitals, 30 secondary schools) lies above REML's estimate, its
posterior being skewed, and the fixed effects are averaged over it. Beside these tolerances stand the
rounding of what is printed and two Monte-Carlo standard errors. Estimates of the uncorrelated model are
ML's, of all others REML's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.base.array import array_stats

import hmlm as hm

from .agreement import assert_converged, needs_data, reference
from .lme4 import by_our_names, lme4_fit

pytestmark = [pytest.mark.data, pytest.mark.nightly, needs_data]

SD_RATIO = 0.10
STANDARD_ERRORS = 0.15
STANDARD_ERRORS_GLMM = 0.4
ROUNDING = 0.0005  # half of the third decimal, to which all are printed
MONTE_CARLO = 2.0  # standard errors
VAR_IDENT = "gpa ~ occasion + (1 | student), sd differing by occasion (varIdent)"
UNCORRELATED = "gpa ~ occasion + (1 | student) + (0 + occasion | student)"
DATES = "decision ~ sex + samerace + attractive_sc + sincere_sc + intelligent_sc + (1 | iid)"


@dataclass(frozen=True)
class Case:
    """A model and where its estimates are.

    Attributes:
        name: what the test report calls it.
        data: name of the data set.
        key: of the estimates in ``lme4.json``, or the fit's name in ``lme4_ml.json``.
        formula: as hmlm takes it, ``key`` where it is the same.
        family: of the outcome.
        near: tolerance of fixed effects, in standard errors.
    """

    name: str
    data: str
    key: str
    formula: Any = None
    family: str = "gaussian"
    near: float = STANDARD_ERRORS

    def fit(self) -> hm.Fit:
        """Of a session."""
        return fitted(self.name)


@dataclass(frozen=True)
class Estimates:
    """Fixed effects with their standard errors, standard deviations; all by the names of our draws."""

    fixed: pd.Series
    sd: pd.Series
    se: Mapping[str, float] = field(default_factory=dict)


CASES = (
    Case("gpa_intercepts", "gpa", "gpa ~ occasion + (1 | student)"),
    Case("gpa_slopes", "gpa", "gpa ~ occasion + (1 + occasion | student)"),
    Case("gpa_uncorrelated", "gpa", "gpa_uncor", UNCORRELATED),
    Case("gpa_double_bar", "gpa", "gpa_uncor", "gpa ~ occasion + (1 + occasion || student)"),
    Case(
        "gpa_heterogeneous",
        "gpa",
        VAR_IDENT,
        hm.bf("gpa ~ occasion + (1 | student)", sigma="~ 0 + factor(occasion)"),
    ),
    Case("pupils", "pupils", "achievement ~ sex + ses + (1 | primary_school_id) + (1 | secondary_school_id)"),
    Case(
        "nurses",
        "nurses",
        "stress ~ age + sex + experience + treatment + wardtype + hospsize + (1 | hospital)"
        " + (1 | hospital:ward)",
    ),
    Case("gapminder", "gapminder", "lifeExp_c ~ year_c + (1 + year_c | country)"),
    Case("speed_dating", "speed_dating", f"{DATES}, binomial", DATES, "bernoulli", STANDARD_ERRORS_GLMM),
)


def table(name: str) -> pd.DataFrame:
    data = hm.load_dataset(name)
    if name != "gapminder":
        return data
    centered = data[["lifeExp", "year"]] - data[["lifeExp", "year"]].mean()
    return data.assign(lifeExp_c=centered["lifeExp"], year_c=centered["year"])


@cache
def fitted(name: str) -> hm.Fit:
    (case,) = [case for case in CASES if case.name == name]
    model = hm.model(case.formula or case.key, table(case.data), family=case.family)
    return model.fit(chains=4, warmup=500, draws=1000, seed=6, progress=False)


def estimates(case: Case) -> Estimates:
    """What lme4 or nlme found."""
    if case.key == "gpa_uncor":
        found = by_our_names(lme4_fit(case.key))
        return Estimates(found.filter(like="b_"), found.filter(regex="^s"))
    found = json.loads(reference("lme4.json").read_text())[case.data][case.key]
    rename = lambda values: {f"b_{term.replace(' ', '')}": value for term, value in values.items()}
    sds = {f"sd_{key.rpartition(':')[0]}__{key.rpartition(':')[2]}": v for key, v in found["sd"].items()}
    sigma = {"sigma": found["sigma"]} if "sigma" in found else {}
    return Estimates(pd.Series(rename(found["fixef"])), pd.Series(sds | sigma), rename(found.get("se", {})))


def compared(posterior: xr.Dataset, names: pd.Index) -> pd.DataFrame:
    """Median, standard deviation and Monte-Carlo error of the median of some draws."""
    values = np.stack([posterior[name].transpose("chain", "draw").values for name in names])
    mcse = array_stats.mcse(values, chain_axis=1, draw_axis=2, method="median")
    columns = {"median": np.median(values, (1, 2)), "sd": values.std((1, 2), ddof=1), "mcse": mcse}
    return pd.DataFrame(columns, index=names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fixed_effects_within_a_part_of_their_standard_errors(case):
    """Where no standard error is published, the posterior's standard deviation stands for it."""
    assert_converged(case.fit())
    lme4 = estimates(case)
    ours = compared(case.fit().posterior, lme4.fixed.index)
    se = ours["sd"] if not lme4.se else pd.Series(lme4.se)[ours.index]
    off = (ours["median"] - lme4.fixed).abs()
    report = ours.assign(lme4=lme4.fixed, se=se, off=off, of_se=off / se)
    assert (off <= case.near * se + ROUNDING + MONTE_CARLO * ours["mcse"]).all(), report.to_string()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_standard_deviations_within_a_tenth(case):
    lme4 = estimates(case)
    assert not lme4.sd.empty
    ours = compared(case.fit().posterior, lme4.sd.index)
    ratio = ours["median"] / lme4.sd - 1
    assert (ratio.abs() <= SD_RATIO).all(), ours.assign(lme4=lme4.sd, ratio=ratio).to_string()


def test_residual_sds_by_occasion_within_a_tenth():
    """Of six occasions: ``exp`` of the draws of log sigma against the roots of the printed variances."""
    (case,) = [case for case in CASES if case.key == VAR_IDENT]
    found = json.loads(reference("lme4.json").read_text())["gpa"][VAR_IDENT]
    posterior = case.fit().posterior
    ours = [float(np.exp(posterior[name]).median()) for name in posterior if str(name).startswith("b_sigma")]
    np.testing.assert_allclose(ours, np.sqrt(found["residual_variance_by_occasion"]), rtol=SD_RATIO)


def test_only_complete_dates_are_counted():
    (case,) = [case for case in CASES if case.data == "speed_dating"]
    found = json.loads(reference("lme4.json").read_text())["speed_dating"][case.key]
    design = case.fit().design
    assert design.n_rows == found["complete_rows"]
    assert design.n_rows + design.n_dropped == found["rows"]
