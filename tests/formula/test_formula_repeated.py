"""``cosy(time, gr)`` and ``unstr(time, gr)``: what they state, and what they cannot be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.formula.bf import as_model_formula, bf
from hmlm.formula.design import build_design
from hmlm.types import DataError, Dependence, FormulaError, PriorError, ResidualSeries

COSY, UNSTR = Dependence.COSY, Dependence.UNSTR
FORMS = {
    "cosy(time = t, gr = g)": ResidualSeries("t", ("g",), dependence=COSY),
    "cosy(gr = a:g)": ResidualSeries(None, ("a", "g"), dependence=COSY),
    "cosy()": ResidualSeries(dependence=COSY),
    "unstr(t, g)": ResidualSeries("t", ("g",), dependence=UNSTR),
    "unstr(gr = g, time = t)": ResidualSeries("t", ("g",), dependence=UNSTR),
}


@pytest.mark.parametrize("text", FORMS)
def test_forms(text):
    formula = bf(f"y ~ x + {text} + (1 | g)")
    assert formula.mu.series == FORMS[text]
    assert formula.mu.population == "x"


TABLE = pd.DataFrame(
    {
        "g": ["b", "a", "b", "a", "b"],
        "t": [3, 1, 1, 9, 9],
        "season": pd.Categorical(list("uwwsu"), categories=["w", "s", "u"]),
        "y": [0.1, 0.5, 0.9, 0.2, 0.3],
    }
)


@pytest.mark.parametrize(
    ("term", "times", "place"),
    [
        ("unstr(t, g)", ("1", "3", "9"), [1, 0, 0, 2, 2]),
        ("unstr(season, t)", ("w", "s", "u"), [2, 0, 0, 1, 2]),
        ("cosy(t, g)", (), [1, 0, 0, 1, 2]),
        ("cosy(gr = g)", (), [0, 0, 1, 1, 2]),
    ],
)
def test_places(term, times, place):
    data = TABLE.assign(t=[3, 1, 2, 9, 9]) if "season" in term else TABLE
    repeated = build_design(as_model_formula(f"y ~ {term}"), data).outcomes[0].repeated
    assert repeated.times == times
    np.testing.assert_array_equal(repeated.place, place)
    np.testing.assert_array_equal(repeated.rebuild(data), [repeated.index, place])


def test_names_of_occasions_are_brmss():
    data = TABLE.assign(t=["t 2", "-1", "-1", "a/b", "a/b"])
    repeated = build_design(as_model_formula("y ~ unstr(t, g)"), data).outcomes[0].repeated
    assert repeated.times == ("M1", "aDb", "t2")


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("y ~ unstr(t)", r"unstr\(time = t, gr = id\)"),
        ("y ~ unstr(gr = g)", r"unstr\(time = t, gr = id\)"),
        ("y ~ cosy(t, g, p = 1)", "takes time, gr"),
        ("y ~ x * cosy(t, g)", "a term of its own"),
        ("y ~ cosy(gr = g) + ar(t, g)", "second structure"),
    ],
)
def test_what_it_cannot_be(formula, says):
    with pytest.raises(FormulaError, match=says):
        bf(formula)


@pytest.mark.parametrize("term", ["cosy(t, g)", "unstr(t, g)"])
def test_an_occasion_that_a_series_has_twice_is_named(term):
    with pytest.raises(DataError, match=r"one level of 'g' \(b\) have the same 't', 9"):
        build_design(as_model_formula(f"y ~ {term}"), TABLE.assign(t=[9, 1, 1, 9, 9]))


def test_occasions_are_few_and_known():
    with pytest.raises(DataError, match="'t' has a single value"):
        build_design(as_model_formula("y ~ unstr(t, k)"), TABLE.assign(t=1, k=range(5)))
    many = pd.DataFrame({"t": range(100), "g": 1, "y": np.arange(100.0)})
    with pytest.raises(DataError, match=r"100 values; unstr\(\) takes 2 to 60"):
        build_design(as_model_formula("y ~ unstr(t, g)"), many)
    repeated = build_design(as_model_formula("y ~ unstr(t, g)"), TABLE).outcomes[0].repeated
    with pytest.raises(DataError, match="'t' has the unknown level '4'; known: '1', '3', '9'"):
        repeated.rebuild(TABLE.assign(t=[3, 1, 1, 4, 9]))


@pytest.mark.parametrize(
    ("formula", "family", "says"),
    [
        ("y ~ cosy(t, g)", "gamma", r"cosy\(\) is for residuals of the family gaussian.*\(1 \| id\)"),
        ("y ~ unstr(t, g)", "lognormal", r"unstr\(\) is for residuals.*factor\(time\)"),
        ("y | weights(t) ~ unstr(t, g)", "gaussian", r"weights\(\)"),
        (bf("y ~ cosy(t, g)") + bf("t ~ 1"), "gaussian", "single outcome"),
    ],
)
def test_models_that_have_none(formula, family, says):
    with pytest.raises(FormulaError, match=says):
        hm.model(formula, TABLE, family=family)


def test_priors():
    table = hm.get_prior("y ~ cosy(t, g)", TABLE).set_index("class").loc["cosy"]
    assert tuple(table[["prior", "lb", "ub"]]) == ("(flat)", "0", "1")
    prior = [hm.prior("beta(2, 3)", class_="cosy")]
    assert "cosy ~ beta(2, 3)" in hm.model("y ~ cosy(t, g)", TABLE, prior=prior).explain()
    prior = [hm.prior("lkj(4)", class_="cortime")]
    assert "cortime ~ lkj(4)" in hm.model("y ~ unstr(t, g)", TABLE, prior=prior).explain()
    with pytest.raises(PriorError, match="use lkj"):
        hm.prior("normal(0, 1)", class_="cortime")
    with pytest.raises(PriorError, match="unstr"):
        hm.model("y ~ t", TABLE, prior=prior)
