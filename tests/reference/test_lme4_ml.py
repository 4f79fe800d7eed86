"""The strictest test there is: the likelihood at lme4's estimates is lme4's, and so is its maximum.

lme4's estimates are printed with about ten digits, and its optimiser stops a little before the maximum.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

import hmlm as hm

from .agreement import needs_data, reference
from .lme4 import by_our_names, lme4_fit

pytestmark = [pytest.mark.data, needs_data]

DATA = {
    "gpa_ri": "gpa",
    "gpa_rs": "gpa",
    "gpa_uncor": "gpa",
    "pupils": "pupils",
    "nurses": "nurses",
    "gapminder": "gapminder",
    "affect_m1": "williams",
}
DIGITS = 1e-4  # relative error of the estimates
OPTIMISER = 1e-5  # absolute, for what is near zero


@cache
def stated(name: str) -> hm.Model:
    return hm.model(lme4_fit(name)["formula"], table(DATA[name]))


@cache
def fitted(name: str, algorithm: str) -> hm.MlFit:
    return stated(name).fit(algorithm=algorithm)


def table(name: str) -> pd.DataFrame:
    data = hm.load_dataset(name)
    if name != "gapminder":
        return data
    center = lambda column: column - column.mean()
    return data.assign(L_c=center(data["lifeExp"]), year_c=center(data["year"]))


@pytest.fixture(params=list(DATA))
def name(request) -> str:
    reference("lme4_ml.json")
    return request.param


def test_every_fit_is_tested():
    fits = json.loads(reference("lme4_ml.json").read_text())["fits"]
    assert {fit["name"] for fit in fits} == set(DATA)


def test_the_likelihood_at_lme4s_estimates_is_lme4s(name):
    fit = lme4_fit(name)
    ours = stated(name).marginal_log_lik(by_our_names(fit))
    assert abs(ours - fit["logLik"]) < 1e-6


def test_ml_finds_lme4s_estimates(name):
    lme4, fit = lme4_fit(name), fitted(name, "ml")
    assert fit.converged and not fit.singular
    assert fit.loglik > lme4["logLik"] - 1e-7  # lme4's prints have ten digits
    assert abs(fit.loglik - lme4["logLik"]) < 1e-6
    estimates = by_our_names(lme4)
    assert set(estimates.index) == set(fit.params.index)
    np.testing.assert_allclose(fit.params[estimates.index], estimates, rtol=DIGITS, atol=OPTIMISER)


@pytest.mark.parametrize("name", ["gpa_ri", "gpa_rs", "pupils", "nurses"])
def test_reml_finds_what_the_tutorial_prints(name):
    """lme4's REML estimates and standard errors to the three decimals (or seven) that are printed."""
    fit, published = fitted(name, "reml"), printed(name)
    clean = lambda values: {f"b_{term.replace(' ', '')}": value for term, value in values.items()}
    sds = {f"sd_{key.rpartition(':')[0]}__{key.rpartition(':')[2]}": v for key, v in published["sd"].items()}
    cors = {f"cor_{key.replace(':', '__')}": value for key, value in published.get("cor", {}).items()}
    expected = {**clean(published["fixef"]), **sds, **cors, "sigma": published["sigma"]}
    assert set(expected) == set(fit.params.index)
    for term, value in expected.items():
        assert abs(fit.params[term] - value) < 6e-4, (term, fit.params[term], value)
    for term, error in clean(published["se"]).items():
        assert abs(fit.se[term] - error) < 6e-4, (term, fit.se[term], error)


def test_criteria_and_effects_that_the_tutorial_prints():
    gpa = json.loads(reference("lme4.json").read_text())["gpa"]
    aic = dict(zip(gpa["aic_ranking"], gpa["aic"], strict=True))
    for name, formula in (
        ("gpa_ri", "occasion + (1 | student)"),
        ("gpa_rs", "occasion + (1 + occasion | student)"),
    ):
        assert abs(fitted(name, "reml").aic - aic[formula]) < 1e-3
    published = printed("gpa_ri")
    effects = fitted("gpa_ri", "reml").ranef()["student"].iloc[:5]
    np.testing.assert_allclose(effects["Estimate"], published["ranef_student_1_to_5"], atol=6e-4)
    np.testing.assert_allclose(effects["Est.Error"], published["ranef_se"], atol=6e-4)


def test_the_tutorials_models_by_likelihood_ratio():
    small, large = fitted("gpa_ri", "ml"), fitted("gpa_rs", "ml")
    found = hm.anova(large, small)
    expected = 2 * (lme4_fit("gpa_rs")["logLik"] - lme4_fit("gpa_ri")["logLik"])
    assert found["npar"].tolist() == [4, 6]
    np.testing.assert_allclose(found["Chisq"].iloc[1], expected, atol=1e-6)
    np.testing.assert_allclose(found["Pr(>Chisq)"].iloc[1], np.exp(-expected / 2), rtol=1e-6)  # 2 df


def printed(name: str) -> dict:
    tables, formula = json.loads(reference("lme4.json").read_text()), lme4_fit(name)["formula"]
    found = tables[DATA[name]]
    return found[formula]
