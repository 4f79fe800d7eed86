"""``offset(…)``: columns that enter a predictor with coefficient 1."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hmlm.formula.bf import as_model_formula, bf
from hmlm.formula.design import build_design
from hmlm.formula.update import update_formula
from hmlm.types import DataError, DataWarning, FormulaError


def predictors(formula, table):
    return build_design(as_model_formula(formula), table).predictors


def test_value_and_columns(table):
    (predictor,) = predictors("y ~ x + offset(log(steps.pm)) + (1 | g)", table)
    assert_allclose(predictor.offset, np.log(table["steps.pm"]))
    assert predictor.population.names == ("x",)
    assert [group.names for group in predictor.groups] == [("Intercept",)]


def test_several_add_up(table):
    (predictor,) = predictors("y ~ offset(x) + offset(2 * steps.pm - 1) + offset(3)", table)
    assert_allclose(predictor.offset, table["x"] + 2 * table["steps.pm"] + 2)
    assert predictor.population.intercept and predictor.population.names == ()


def test_none(table):
    (predictor,) = predictors("y ~ x", table)
    assert predictor.offset is None and predictor.rebuild_offset is None


def test_of_another_parameter(table):
    mu, sigma = predictors(bf("y ~ x", sigma="~ offset(x)"), table)
    assert mu.offset is None
    assert_allclose(sigma.offset, table["x"])


def test_new_data(table):
    (predictor,) = pickle.loads(pickle.dumps(predictors("y ~ offset(scale(x)) + offset(flag)", table)))
    assert_allclose(predictor.rebuild_offset(table[3:5]), predictor.offset[3:5])
    with pytest.raises(DataError, match="no column 'flag'"):
        predictor.rebuild_offset(table.drop(columns="flag"))


def test_incomplete_rows_are_dropped(table):
    table.loc[2, "x"] = np.nan
    with pytest.warns(DataWarning, match="dropped 1 of 24 rows"):
        (predictor,) = predictors("y ~ offset(x)", table)
    assert predictor.offset.shape == (23,)


def test_text_is_that_of_the_user():
    mu = bf("y ~ x+offset( log(n) )").mu
    assert (mu.text, mu.population, mu.offsets) == ("x + offset(log(n))", "x", ("log(n)",))
    assert bf("y ~ offset(n)").mu.population == "1"
    assert bf("y ~ 0 + offset(n)").mu.population == "0"


def test_update():
    old = as_model_formula("y ~ x + offset(n)")
    assert update_formula(old, ". ~ . + z").outcomes[0].mu.offsets == ("n",)
    assert update_formula(old, ". ~ . - offset(n)").outcomes[0].mu == bf("y ~ x").mu


REFUSED = {
    "y ~ x - offset(n)": "cannot be subtracted",
    "y ~ offset()": "takes a column",
    "y ~ offset(n, m)": "takes a column",
    "y ~ (offset(n) | g)": "a term of its own",
    "y ~ x * offset(n)": "a term of its own",
    "y ~ offset(poly(x, 2))": "cannot be computed",
    "y ~ offset(factor(x))": "cannot be computed",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    with pytest.raises(FormulaError, match=REFUSED[text]):
        as_model_formula(text)


def test_values_refused(table):
    with pytest.raises(DataError, match="'logx' has .* infinite or undefined"):
        predictors("y ~ offset(log(x))", table)
    with pytest.raises(DataError, match="column 'sex' is not numeric"):
        predictors("y ~ offset(sex)", table)
    with pytest.raises(FormulaError, match="stands on both sides"):
        predictors("y ~ x + offset(y)", table)
