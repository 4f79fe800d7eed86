"""Grade points: what *Mixed Models with R* prints of its models by (restricted) maximum likelihood.

lme4, nlme and glmmTMB stop at the same maximum, so the tolerance is the rounding of what is printed.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

import hmlm as hm

from .agreement import needs_data, reference

pytestmark = [pytest.mark.data, needs_data]
THREE_DIGITS = 6e-4  # a half of the last, and our rounding
BY_OCCASION = "factor(occasion)"


@cache
def fitted(formula: str, algorithm: str = "reml") -> hm.MlFit:
    return hm.fit(f"gpa ~ {formula}", hm.load_dataset("gpa"), algorithm=algorithm)


@cache
def by_occasion(algorithm: str) -> hm.MlFit:
    """A residual standard deviation for each of the six occasions."""
    formula = hm.bf("gpa ~ occasion + (1 | student)", sigma=f"~ 0 + {BY_OCCASION}")
    return hm.fit(formula, hm.load_dataset("gpa"), algorithm=algorithm)


def published(name: str) -> dict:
    return json.loads(reference("lme4.json").read_text())["gpa"][name]


def test_linear_model_without_students():
    """``lm``: REML without effects is least squares with its unbiased residual variance."""
    fit, data = fitted("occasion"), hm.load_dataset("gpa")
    np.testing.assert_allclose(fit.params[["b_Intercept", "b_occasion"]], [2.599, 0.106], atol=THREE_DIGITS)
    np.testing.assert_allclose(fit.se[["b_Intercept", "b_occasion"]], [0.018, 0.006], atol=THREE_DIGITS)
    assert fit.params["sigma"] == pytest.approx(0.3487, abs=5e-5)
    residual_sum = fit.params["sigma"] ** 2 * (len(data) - 2)
    r2 = 1 - residual_sum / ((data["gpa"] - data["gpa"].mean()) ** 2).sum()
    assert r2 == pytest.approx(0.2136, abs=5e-5)


def test_profile_intervals():
    found = fitted("occasion + (1 | student)").confint(method="profile")
    printed = {
        "sd_student__Intercept": (0.22517423, 0.2824604),
        "sigma": (0.23071113, 0.2518510),
        "b_Intercept": (2.55665145, 2.6417771),
        "b_occasion": (0.09832589, 0.1143027),
    }
    assert set(found.index) == set(printed)
    for name, ends in printed.items():
        np.testing.assert_allclose(found.loc[name], ends, atol=2e-6, err_msg=name)


def test_shares_of_variance():
    table = fitted("occasion + (1 | student)").var_corr()
    np.testing.assert_allclose(table["vcov"] / table["vcov"].sum(), [0.523, 0.477], atol=THREE_DIGITS)
    table = fitted("occasion + (1 + occasion | student)").var_corr()
    slopes = table[table["var2"].isna()]
    np.testing.assert_allclose(
        slopes["vcov"] / slopes["vcov"].sum(), [0.491, 0.049, 0.460], atol=THREE_DIGITS
    )


def test_intervals_of_effects():
    table = fitted("occasion + (1 | student)").ranef()["student"].iloc[:5]
    np.testing.assert_allclose(table.iloc[:, 4], [-0.251, -0.395, -0.091, -0.366, -0.149], atol=THREE_DIGITS)
    np.testing.assert_allclose(table.iloc[:, 5], [0.109, -0.036, 0.268, -0.007, 0.210], atol=THREE_DIGITS)


def test_aic_ranks_the_three_models():
    found = pd.Series({name: fitted(name).aic for name in published("aic_ranking")})
    np.testing.assert_allclose(found, published("aic"), atol=1e-3)
    np.testing.assert_allclose(found.round(2), [269.79, 272.96, 416.89])
    assert found.is_monotonic_increasing
    np.testing.assert_allclose(found - found.min(), [0, 3.171217, 147.107536], atol=1e-3)


@pytest.mark.parametrize(
    ("algorithm", "column", "digits"),
    [("reml", "residual_variance_by_occasion", 5e-6), ("ml", "residual_variance_glmmTMB", 1e-5)],
)
def test_variances_that_differ_by_occasion(algorithm, column, digits):
    """nlme's varIdent is by REML, glmmTMB's diag() by ML with a second, tiny residual variance."""
    fit = by_occasion(algorithm)
    variances = np.exp(2 * fit.params.filter(like="b_sigma"))
    printed = published("gpa ~ occasion + (1 | student), sd differing by occasion (varIdent)")[column]
    np.testing.assert_allclose(variances, printed, atol=digits)
    np.testing.assert_allclose(fit.params[["b_Intercept", "b_occasion"]], [2.599, 0.106], atol=THREE_DIGITS)
    np.testing.assert_allclose(fit.se[["b_Intercept", "b_occasion"]], [0.026, 0.004], atol=THREE_DIGITS)
    assert fit.params["sd_student__Intercept"] == pytest.approx(0.306, abs=2 * THREE_DIGITS)


def test_likelihood_ratio_of_two_coefficients():
    """The flash card's ``anova``: what is dropped from the fixed effects may still vary by student."""
    large = fitted("occasion + sex + (1 + occasion | student)", "ml")
    small = fitted("1 + (1 + occasion | student)", "ml")
    found = hm.anova(small, large)
    assert found["Df"].iloc[1] == 2
    assert found["Chisq"].iloc[1] == pytest.approx(2 * (large.loglik - small.loglik))
    assert found["Pr(>Chisq)"].iloc[1] < 1e-10


def test_no_partial_and_complete_pooling():
    """Of balanced data a student's effect is the mean's deviation times ``6 tau² / (6 tau² + sigma²)``."""
    fit, data = fitted("occasion + (1 | student)"), hm.load_dataset("gpa")
    alone = data.groupby("student")["gpa"].mean() - data["gpa"].mean()
    between, within = fit.var_corr()["vcov"]
    effects = fit.ranef()["student"]["Estimate"].to_numpy()
    np.testing.assert_allclose(effects, alone * 6 * between / (6 * between + within), atol=1e-6)
    some = data[data["student"] <= 12].assign(student=lambda d: "s" + d["student"].astype(str))
    unpooled = hm.fit("gpa ~ 0 + student + occasion", some, algorithm="reml").params
    means = some.groupby("student")["gpa"].mean()
    own = unpooled[[f"b_student{level}" for level in means.index]] + 2.5 * unpooled["b_occasion"]
    np.testing.assert_allclose(own, means, atol=1e-6)
