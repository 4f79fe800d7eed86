"""Grade points over six semesters of 200 students against lme4.

A posterior mean is not the maximum-likelihood estimate: variance parameters have skewed posteriors, and ML
(unlike REML and Bayes) spends no degrees of freedom on the coefficients. With 200 students both shift a
standard deviation by a fraction of its own posterior sd, so half of one is allowed; the flat priors leave the
coefficients unbiased, so there only Monte-Carlo error counts.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.results.fit import Fit

from .agreement import assert_converged, needs_data, of_draws, of_fit, reference
from .lme4 import maximum_likelihood

pytestmark = [pytest.mark.data, needs_data]
INTERCEPT = "gpa ~ occasion + (1 | student)"
SLOPE = "gpa ~ occasion + (1 + occasion | student)"
POSTERIOR_SDS = 0.5
FIXED = ["Intercept", "occasion"]
SMALL = 0.0005  # half of the third decimal, to which lme4's estimates are printed


@cache
def fitted(formula: str) -> Fit:
    return hm.fit(formula, hm.load_dataset("gpa"), chains=4, warmup=500, draws=1000, seed=2)


def published(formula: str) -> dict:
    """What the tutorial prints: REML estimates."""
    return json.loads(reference("lme4.json").read_text())["gpa"][formula]


@pytest.mark.parametrize(("formula", "name"), [(INTERCEPT, "gpa_ri"), (SLOPE, "gpa_rs")])
def test_agrees_with_lme4(formula, name):
    fit = fitted(formula)
    assert_converged(fit)
    ours = of_fit(fit)
    for estimates in (maximum_likelihood(name), reml(formula)):
        assert set(estimates.index) == set(ours.index)
        report = ours.assign(lme4=estimates, off=ours["mean"] - estimates)
        fixed, other = report.loc[FIXED], report.drop(FIXED)
        assert (fixed["off"].abs() < 3 * fixed["mcse"] + SMALL).all(), report.to_string()
        assert (other["off"].abs() < POSTERIOR_SDS * other["sd"]).all(), report.to_string()
    errors = pd.Series(published(formula)["se"])
    assert (abs(ours.loc[FIXED, "sd"] - errors) < 0.15 * errors + SMALL).all()


def test_effects_of_students():
    """lme4 plugs in its sd and sigma, Bayes averages over them: the shrinkage differs by about 1 in 200."""
    fit, lme4 = fitted(INTERCEPT), published(INTERCEPT)
    levels = ["1", "2", "3", "4", "5"]
    effects = fit["r_student"].sel(student=levels, term="Intercept").transpose("chain", "draw", "student")
    ours = of_draws(effects, levels)
    lme4_effects = np.array(lme4["ranef_student_1_to_5"])
    near = 3 * ours["mcse"] + SMALL + 0.01 * abs(lme4_effects)
    assert (abs(ours["mean"] - lme4_effects) < near).all(), ours.assign(lme4=lme4_effects).to_string()
    np.testing.assert_allclose(ours["sd"], lme4["ranef_se"], rtol=0.15)
    np.testing.assert_allclose(fit.ranef()["student"].iloc[:5]["Estimate"], ours["mean"], rtol=1e-12)


def test_coefficients_of_students():
    """An intercept that varies, with a slope that does not."""
    fit, lme4 = fitted(INTERCEPT), published(INTERCEPT)
    levels = ["1", "2", "3", "4", "5"]
    draws = fit.coef(summary=False)["student"].sel(student=levels, term="Intercept")
    ours = of_draws(draws.transpose("chain", "draw", "student"), levels)
    published_values = np.array(lme4["coef_student_1_to_5"])
    near = 3 * ours["mcse"] + SMALL + 0.01 * abs(np.array(lme4["ranef_student_1_to_5"]))
    assert (abs(ours["mean"] - published_values) < near).all(), ours.assign(lme4=published_values).to_string()
    table = fit.coef()["student"].query("term == 'Intercept'").iloc[:5]
    np.testing.assert_allclose(table["Estimate"], ours["mean"], rtol=1e-12)
    slopes = fit.coef()["student"].query("term == 'occasion'")["Estimate"]
    np.testing.assert_allclose(slopes, fit.fixef().loc["occasion", "Estimate"])


def test_share_of_variance_between_students():
    """The tutorial's 0.064 / 0.122 = 0.52."""
    row = fitted(INTERCEPT).icc("student").loc["student"]
    assert abs(row["Estimate"] - published(INTERCEPT)["icc"]) < POSTERIOR_SDS * row["Est.Error"]
    assert round(row["Estimate"], 2) == 0.52
    frame = fitted(INTERCEPT).var_corr().to_frame()
    np.testing.assert_allclose(frame["vcov"], [0.064, 0.058], atol=0.002)


def reml(formula: str) -> pd.Series:
    """The tutorial's estimates by our printed labels."""
    found = published(formula)
    sds = {f"sd({name.partition(':')[2]})": value for name, value in found["sd"].items()}
    cors = {
        f"cor({name.partition(':')[2].replace(':', ',')})": value
        for name, value in found.get("cor", {}).items()
    }
    return pd.Series({**found["fixef"], **sds, **cors, "sigma": found["sigma"]})
