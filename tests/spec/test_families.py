"""Default priors and addition terms of families, as brms has them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.density.laws.registry import law_of
from hmlm.spec.families import FAMILIES, family_text, find_family

TABLE = pd.DataFrame(
    {"y": [1.0, 2.0, 0.0, 3.0, 5.0, 0.0], "x": np.arange(6.0), "n": 6, "s": 0.5, "g": list("aabbcc")}
)
CONSTANTS = {
    "zero_inflated_poisson": {"zi": "beta(1, 1)"},
    "zero_inflated_negbinomial": {"shape": "gamma(0.01, 0.01)", "zi": "beta(1, 1)"},
    "hurdle_gamma": {"shape": "gamma(0.01, 0.01)", "hu": "beta(1, 1)"},
    "skew_normal": {"alpha": "normal(0, 4)"},
}
INTERCEPTS = {
    ("zero_inflated_poisson", "zi"): "logistic(0, 1)",
    ("hurdle_poisson", "hu"): "logistic(0, 1)",
    ("hurdle_gamma", "shape"): "student_t(3, 0, 2.5)",
    ("skew_normal", "alpha"): "normal(0, 4)",
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_default_priors_of_constants(name):
    spec = hm.model("y ~ x + (1 | g)", TABLE, family=name).spec
    found = {constant.dpar: str(constant.prior) for constant in spec.constants}
    assert {dpar: found[dpar] for dpar in CONSTANTS[name]} == CONSTANTS[name]


@pytest.mark.parametrize(("name", "dpar"), INTERCEPTS)
def test_default_priors_of_intercepts(name, dpar):
    spec = hm.model(hm.bf("y ~ x", **{dpar: "~ x"}), TABLE, family=name).spec
    found = {predictor.dpar: str(predictor.intercept) for predictor in spec.predictors}
    assert found[dpar] == INTERCEPTS[name, dpar]


def test_families_without_a_distribution_function_are_not_censored_or_truncated():
    for name, family in FAMILIES.items():
        law = law_of(family)
        if {"cens", "trunc"} & set(family.additions):
            assert law.log_cdf is not None and law.log_sf is not None, name
    with pytest.raises(hm.FormulaError, match=r"skew_normal has no addition term trunc\(…\), only weights"):
        hm.model("y | trunc(lb = -1) ~ x", TABLE, family="skew_normal")
    with pytest.raises(hm.FormulaError, match=r"beta_binomial has no addition term cens"):
        hm.model("y | trials(n) + cens(c) ~ x", TABLE.assign(c=0), family="beta_binomial")


def test_outcomes_that_a_family_does_not_take():
    cases = {"beta": (1.0, 0.1), "weibull": (0.0, 1.0), "hurdle_gamma": (-1.0, 0.0), "geometric": (1.5, 1.0)}
    for name, (value, least) in cases.items():
        with pytest.raises(hm.DataError, match=f"the family {name} takes"):
            table = TABLE.assign(y=[value, *5 * [least]])
            hm.model("y ~ x", table, family=name)


def test_links_by_name():
    family = find_family("inverse.gaussian(link = 'log')")
    assert family.link("mu") == "log" and family_text(family) == "inverse_gaussian(link_mu=log)"
    assert find_family("zero_inflated_poisson(link_zi='identity')").link("zi") == "identity"
