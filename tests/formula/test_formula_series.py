"""``ar(time, gr, p = 1, cov)``: what it states, which row comes before, and what it cannot be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.formula.bf import as_model_formula, bf
from hmlm.formula.design import build_design
from hmlm.formula.update import update_formula
from hmlm.types import DataError, FormulaError, PriorError, ResidualSeries

FORMS = {
    "ar(time = t, gr = g, p = 1, cov = TRUE)": ResidualSeries("t", ("g",), True),
    "ar(t, g)": ResidualSeries("t", ("g",), False),
    "ar(gr = g)": ResidualSeries(None, ("g",), False),
    "ar(gr = school:g, time = t, cov = FALSE)": ResidualSeries("t", ("school", "g"), False),
    "ar(NA, NA, 1, TRUE)": ResidualSeries(None, (), True),
    "ar(p = 1)": ResidualSeries(),
}


@pytest.mark.parametrize("text", FORMS)
def test_forms(text):
    formula = bf(f"y ~ x + {text} + (1 | g)")
    assert formula.mu.series == FORMS[text]
    assert formula.mu.population == "x"
    assert text in formula.mu.text


TABLE = pd.DataFrame(
    {
        "g": ["b", "a", "b", "a", "b", "a"],
        "k": [1, 1, 2, 2, 1, 1],
        "t": [3, 1, 1, 9, 7, 4],
        "season": pd.Categorical(list("usuwws"), categories=["w", "s", "u"]),
        "y": [0.1, 0.5, 0.9, 0.2, 0.3, 0.8],
    }
)


@pytest.mark.parametrize(
    ("term", "previous"),
    [
        ("ar(t, g)", [2, -1, -1, 5, 0, 1]),
        ("ar(gr = g)", [-1, -1, 0, 1, 2, 3]),
        ("ar(t, g:k)", [-1, -1, -1, -1, 0, 1]),
        ("ar()", [-1, 0, 1, 2, 3, 4]),
        ("ar(season, gr = k:g)", [4, -1, -1, -1, -1, 1]),
    ],
)
def test_the_row_before(term, previous):
    data = TABLE.assign(season=pd.Categorical(list("uwuwws"), categories=["w", "s", "u"]))
    series = build_design(as_model_formula(f"y ~ {term}"), data).outcomes[0].series
    np.testing.assert_array_equal(series.previous, previous)
    again = series.rebuild(data.iloc[::-1].reset_index(drop=True))
    if "t" in term or "season" in term:
        np.testing.assert_array_equal(again[::-1], [5 - p if p >= 0 else -1 for p in previous])


def test_incomplete_rows_are_no_part_of_a_series():
    data = TABLE.assign(y=[np.nan, *TABLE.y[1:]])
    with pytest.warns(hm.types.DataWarning):
        series = build_design(as_model_formula("y ~ ar(t, g)"), data).outcomes[0].series
    np.testing.assert_array_equal(series.previous, [-1, -1, 4, 1, 0])


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("y ~ ar(t, g, p = 2)", "p = 1"),
        ("y ~ ar(t, g, cov = 3)", "TRUE or FALSE"),
        ("y ~ ar(t, g, lag = 1)", "takes time, gr, p, cov"),
        ("y ~ x * ar(t, g)", "a term of its own"),
        ("y ~ x - ar(t, g)", "cannot be subtracted"),
        ("y ~ ar(t, g) + ar(gr = g)", "second"),
        ("y ~ ar(log(t), g)", "no column"),
        ("y ~ arma(t, g)", r"write ar\(time = t, gr = id\)"),
    ],
)
def test_what_it_cannot_be(formula, says):
    with pytest.raises(FormulaError, match=says):
        bf(formula)


def test_it_belongs_to_the_mean():
    with pytest.raises(FormulaError, match="the formula of the mean, not of `sigma`"):
        bf("y ~ x", sigma="~ ar(gr = g)")


def test_two_rows_of_one_time():
    with pytest.raises(DataError, match="rows have the same 't'.*ar\\(time, gr = id\\)"):
        build_design(as_model_formula("y ~ ar(t)"), TABLE.assign(t=1))
    with pytest.raises(DataError, match=r"of one level of 'g' \(.\) have the same 'k'"):
        build_design(as_model_formula("y ~ ar(k, g)"), TABLE)


def test_it_can_be_added_and_left_out_again():
    first = as_model_formula("y ~ x + (1 | g)")
    more = update_formula(first, ". ~ . + ar(t, g)")
    assert more.outcomes[0].mu.series == ResidualSeries("t", ("g",))
    assert update_formula(more, ". ~ . - ar(t, g)").outcomes[0].mu.series is None


@pytest.mark.parametrize(
    ("formula", "family", "says"),
    [
        ("y ~ ar(t, g)", "gamma", "gaussian"),
        ("y ~ ar(t, g)", "lognormal", "gaussian"),
        ("y | weights(k) ~ ar(t, g)", "gaussian", r"weights\(\)"),
        (bf("y ~ ar(t, g)") + bf("t ~ 1"), "gaussian", "single outcome"),
    ],
)
def test_models_that_have_no_series(formula, family, says):
    with pytest.raises(FormulaError, match=says):
        hm.model(formula, TABLE, family=family)


def test_priors():
    table = hm.get_prior("y ~ ar(t, g)", TABLE).set_index("class").loc["ar"]
    assert tuple(table[["prior", "lb", "ub"]]) == ("(flat)", "-1", "1")
    stated = hm.model("y ~ ar(t, g)", TABLE, prior=hm.prior("normal(0, 0.5)", class_="ar"))
    assert "ar[1] ~ normal(0, 0.5)" in stated.explain()
    with pytest.raises(PriorError, match="lies between -1 and 1"):
        hm.prior("exponential(1)", class_="ar")
    with pytest.raises(PriorError, match="residuals are independent"):
        hm.model("y ~ t", TABLE, prior=hm.prior("normal(0, 0.5)", class_="ar"))
