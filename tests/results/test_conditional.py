"""Conditional effects against formulas worked out by hand, on draws that are made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm

from .test_prediction import CHAINS, MODELS, N_DRAWS, Case, as_fit, made_up_table


@pytest.fixture(scope="module")
def fit():
    table = made_up_table().assign(flag=lambda t: t.x > 0.2, code=lambda t: t.h + 5)
    return as_fit(Case("y ~ x * kind + flag + factor(code) + (1 + x | g)", table))


def draws(fit, *names):
    return [fit.posterior[name].values.ravel() for name in names]


def test_a_number_goes_along_its_range_the_rest_is_typical(fit):
    table = fit.conditional_effects("x")["x"]
    x = fit.design.table["x"]
    np.testing.assert_allclose(table["x"], np.linspace(x.min(), x.max(), 100))
    assert set(table["kind"]) == {"a"} and set(table["code"]) == {5} and not table["flag"].any()
    intercept, slope = draws(fit, "b_Intercept", "b_x")
    expected = intercept + slope * table["x"].to_numpy()[:, None]
    np.testing.assert_allclose(table["Estimate"], expected.mean(axis=1), rtol=1e-10)
    np.testing.assert_allclose(table["u-95% CI"], np.quantile(expected, 0.975, axis=1), rtol=1e-10)


def test_a_category_takes_its_levels(fit):
    table = fit.conditional_effects("kind", prob=0.5)["kind"]
    assert list(table["kind"]) == ["a", "b", "c"]
    mean = fit.design.table["x"].mean()
    names = ("b_Intercept", "b_x", "b_kindc", "b_x:kindc")
    intercept, slope, level, both = draws(fit, *names)
    expected = intercept + level + (slope + both) * mean
    np.testing.assert_allclose(table["Estimate"][2], expected.mean(), rtol=1e-10)
    np.testing.assert_allclose(table["l-50% CI"][2], np.quantile(expected, 0.25), rtol=1e-10)


def test_numbers_used_as_categories_take_their_values(fit):
    table = fit.conditional_effects("code")["code"]
    assert list(table["code"]) == [5, 6, 7, 8]


def test_pairs_that_interact_are_found_and_crossed(fit):
    tables = fit.conditional_effects()
    assert list(tables) == ["x", "kind", "flag", "code", "x:kind"]
    both = tables["x:kind"]
    assert len(both) == 300 and list(both["kind"].unique()) == ["a", "b", "c"]
    other = fit.conditional_effects("kind:x")["kind:x"]
    x = fit.design.table["x"]
    np.testing.assert_allclose(other["x"].unique(), x.mean() + x.std() * np.array([-1, 0, 1]))


def test_conditions_hold_columns_elsewhere(fit):
    table = fit.conditional_effects("x", conditions={"kind": "b", "g": "3"}, re_formula=None)["x"]
    names = ("b_Intercept", "b_x", "b_kindb", "b_x:kindb")
    intercept, slope, level, both = draws(fit, *names)
    effects = fit.effects["r_g"].sel(g="3").values.reshape(CHAINS * N_DRAWS, 2)
    expected = intercept + level + effects[:, 0] + (slope + both + effects[:, 1]) * table["x"].to_numpy()[0]
    np.testing.assert_allclose(table["Estimate"][0], expected.mean(), rtol=1e-10)


def test_several_outcomes_and_other_parameters():
    both = as_fit(Case(MODELS["outcomes"])).conditional_effects("x")["x"]
    assert list(both["resp"].unique()) == ["y", "zz"] and len(both) == 200
    scale = as_fit(Case(MODELS["scale"])).conditional_effects("x", dpar="sigma")["x"]
    assert (scale["Estimate"] > 0).all()


def test_new_outcomes_need_the_columns_of_all_parameters():
    table = made_up_table().assign(w=lambda t: t.x**2)
    fit = as_fit(Case(hm.bf("y ~ x + (1 | g)", sigma="~ w"), table))
    new = fit.conditional_effects("x", method="predict")["x"]
    np.testing.assert_allclose(new["w"], table.w.mean())
    assert (new["Est.Error"] > fit.conditional_effects("x")["x"]["Est.Error"]).all()


def test_errors_teach(fit):
    with pytest.raises(hm.HmlmError, match="one or two of the columns 'x', 'kind'.*did you mean 'kind'"):
        fit.conditional_effects("kinde")
    with pytest.raises(hm.HmlmError, match="did you mean 'epred'"):
        fit.conditional_effects("x", method="epre")


def test_tables_are_plain(fit):
    table = fit.conditional_effects("x")["x"]
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns[-4:]) == ["Estimate", "Est.Error", "l-95% CI", "u-95% CI"]
