"""Bounds of priors: how they are read, inherited by coefficients, and what contradicts what."""

import pytest

from hmlm.spec.build import build_spec
from hmlm.spec.distribution import interval_of
from hmlm.spec.families import GAUSSIAN
from hmlm.spec.prior import as_priors, prior, prior_text
from hmlm.spec.support import Support
from hmlm.spec.table import prior_lines, prior_table
from hmlm.types import Distribution, PriorError

from .model_designs import design, population, predictor

MADE = design(predictor(population("x day")))
INF = float("inf")


def intervals(*priors):
    spec = build_spec(MADE, GAUSSIAN, priors)
    return [interval_of(one, Support.REAL) for one in spec.predictors[0].priors]


def test_bounds_of_a_class_hold_for_its_coefficients():
    assert intervals(prior("normal(0, 1)", lb=0)) == [(0, INF)] * 2
    assert intervals(prior("normal(0, 1)", lb=0), prior("normal(0, 5)", coef="x")) == [(0, INF)] * 2
    assert intervals(prior("", ub=2)) == [(-INF, 2)] * 2


def test_a_coefficient_may_have_and_narrow_bounds():
    assert intervals(prior("normal(0, 1)", coef="x", lb=-1, ub=1)) == [(-1, 1), (-INF, INF)]
    own = prior("normal(0, 1)", coef="day", lb=1, ub=4)
    assert intervals(prior("normal(0, 1)", lb=0), own) == [(0, INF), (1, 4)]


def test_the_last_of_equals_brings_its_own_bounds():
    assert intervals(prior("normal(0, 1)", lb=0), prior("normal(0, 2)")) == [(-INF, INF)] * 2


def test_positive_distributions_need_a_lower_bound():
    assert intervals(prior("exponential(1)", lb=0)) == [(0, INF)] * 2
    assert intervals(prior("beta(1, 2)", lb=0, ub=1)) == [(0, 1)] * 2


READ = {
    "prior(normal(0, 1), class = b, lb = 0)": (0.0, None),
    "prior(normal(0, 1), lb = log(1), ub = 1/2)": (0.0, 0.5),
    "prior(normal(0, 1), lb = NA, ub = 3)": (None, 3.0),
    'set_prior("normal(0, 1)", class = "b", coef = "x", lb = -1)': (-1.0, None),
}


@pytest.mark.parametrize("text", READ)
def test_reads_bounds_from_r_and_writes_them_again(text):
    (stated,) = as_priors(text)
    assert (stated.distribution.lb, stated.distribution.ub) == READ[text]
    assert as_priors(prior_text(stated)) == (stated,)
    assert as_priors({"prior": "normal(0, 1)", "lb": 0, "ub": None})[0] == prior("normal(0, 1)", lb=0)


WRONG = [
    ({"lb": 1, "ub": 1}, "must be below the upper bound"),
    ({"lb": 2, "ub": 1}, "must be below the upper bound"),
    ({"lb": "low"}, "lb of a prior: 'low' is not a number"),
    ({"ub": True}, "ub of a prior: True is not a number"),
    ({"text": "uniform(0, 1)", "lb": 2}, "all values of uniform(0, 1) lie outside"),
    ({"text": "gamma(2, 1)", "ub": 0}, "all values of gamma(2, 1) lie outside"),
    ({"text": "exponential(1)"}, "coefficients with a lower bound, lb=0"),
    ({"text": "exponential(1)", "lb": -1}, "coefficients with a lower bound, lb=0"),
    ({"class_": "sd", "lb": 0}, "lb and ub are for coefficients"),
    ({"class_": "Intercept", "ub": 0}, "such as uniform(0, 2)"),
]


@pytest.mark.parametrize(("fields", "message"), WRONG, ids=str)
def test_bounds_that_cannot_be_are_explained(fields, message):
    with pytest.raises(PriorError) as error:
        prior(fields.get("text", "normal(0, 1)"), **{k: v for k, v in fields.items() if k != "text"})
    assert message in str(error.value)


CONFLICTS = [
    (prior("normal(0, 1)", lb=0), prior("normal(0, 1)", coef="x", lb=-1), "lb = -1 goes beyond lb = 0"),
    (prior("normal(0, 1)", ub=0), prior("normal(0, 1)", coef="x", ub=3), "ub = 3 goes beyond ub = 0"),
    (prior("normal(0, 1)", lb=0), prior("normal(0, 1)", coef="x", ub=-1), "must be below the upper bound"),
    (prior("normal(0, 1)", lb=0), prior("uniform(-2, -1)", coef="x"), "lie outside these bounds"),
]


@pytest.mark.parametrize(("general", "own", "message"), CONFLICTS, ids=str)
def test_conflicting_bounds_name_the_coefficient(general, own, message):
    with pytest.raises(PriorError) as error:
        build_spec(MADE, GAUSSIAN, (general, own))
    assert message in str(error.value)
    assert "coef x" in str(error.value)


def test_the_table_and_the_lines_show_bounds():
    stated = (prior("normal(0, 1)", lb=0), prior("normal(0, 2)", coef="day", ub=3))
    table = prior_table(MADE, GAUSSIAN, stated)
    shown = table.loc[table["class"] == "b", ["prior", "coef", "lb", "ub"]].to_numpy().tolist()
    assert shown == [["normal(0, 1)", "", "0", ""], ["", "x", "0", ""], ["normal(0, 2)", "day", "0", "3"]]
    lines = prior_lines(build_spec(MADE, GAUSSIAN, stated))
    assert "b_x ~ normal(0, 1), lb = 0" in lines
    assert "b_day ~ normal(0, 2), lb = 0, ub = 3" in lines


def test_bounds_make_priors_different():
    assert Distribution("normal", (0.0, 1.0), lb=0.0) != Distribution("normal", (0.0, 1.0))
