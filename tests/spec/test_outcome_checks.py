"""What a family may be asked for: outcomes of text, addition terms, parameters."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from hmlm.formula.bf import as_model_formula, bf
from hmlm.formula.design import build_design
from hmlm.spec.build import build_spec
from hmlm.spec.families import BERNOULLI, GAUSSIAN, POISSON, find_family
from hmlm.types import DataError, FormulaError

COUNTED = dataclasses.replace(GAUSSIAN, name="counted", additions=("trials", "weights"))


@pytest.fixture
def table() -> pd.DataFrame:
    """12 rows with a text, a truth value, a count and its trials."""
    return pd.DataFrame(
        {
            "sex": np.tile(["Male", "Female"], 6),
            "flag": np.tile([True, False, False], 4),
            "k": np.arange(12.0) % 4,
            "n": np.full(12, 5),
            "x": np.random.default_rng(6).normal(size=12),
        }
    )


def spec_of(formula, table, family=GAUSSIAN):
    return build_spec(build_design(as_model_formula(formula), table), family, ())


def test_text_is_refused_where_the_family_models_numbers(table):
    said = (
        "`sex ~ x`: column 'sex' is not numeric .*'Female', 'Male'.*family gaussian models numbers.*"
        "code its levels as 0 and 1"
    )
    for outcome in (table["sex"], table["sex"].astype("category")):
        with pytest.raises(DataError, match=said):
            spec_of("sex ~ x", table.assign(sex=outcome))
    with pytest.raises(DataError, match="column 'factor\\(n2\\)' is not numeric"):
        spec_of("factor(n2) ~ x", table.assign(n2=table["k"]))


def test_text_is_taken_where_the_family_models_categories(table):
    assert spec_of("sex ~ x", table, BERNOULLI).outcomes == ("sex",)


def test_true_and_false_are_numbers_to_every_family(table):
    assert spec_of("flag ~ x", table).outcomes == ("flag",)


def test_addition_terms_that_the_family_does_not_take(table):
    said = "`k \\| trials\\(n\\) ~ x`: the family gaussian does not take trials\\(n\\) .* it takes weights"
    with pytest.raises(FormulaError, match=said):
        spec_of("k | trials(n) ~ x", table)
    with pytest.raises(FormulaError, match="does not take se\\(n\\).*it takes trials\\(\\), weights\\(\\)"):
        spec_of("k | se(n) + trials(n) ~ x", table, COUNTED)
    assert spec_of("k | trials(n) + weights(x + 9) ~ x", table, COUNTED).n_rows == 12


def test_values_that_the_family_does_not_take_name_the_nearest_family(table):
    with pytest.raises(DataError, match="'x' is .* the family poisson takes whole numbers .*perhaps gamma"):
        spec_of("x ~ k", table, POISSON)
    with pytest.raises(DataError, match="'size' has the 3 levels .* cumulative or categorical"):
        spec_of("size ~ x", table.assign(size=np.tile(["s", "m", "l"], 4)), BERNOULLI)
    with pytest.raises(FormulaError, match='binomial needs the number of trials .*family="bernoulli"'):
        spec_of("k ~ x", table, find_family("binomial"))


def test_parameters_that_only_other_families_have(table):
    with pytest.raises(FormulaError, match="the family gaussian has no parameter 'zi', only 'mu', 'sigma'"):
        spec_of(bf("k ~ x", zi="~ x"), table)
