"""Outcomes of text, categories and true and false: codes in R's order of their levels."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from hmlm.formula.bf import as_model_formula, bf
from hmlm.formula.design import build_design
from hmlm.types import DataError, FormulaError


def outcome(column, table):
    return build_design(as_model_formula(f"{column} ~ x"), table).outcomes[0]


def decoded(found):
    return np.array(found.levels, dtype=object)[found.values.astype(int)]


def test_text_is_sorted_as_in_r(table):
    found = outcome("ward", table)
    assert found.levels == ("a", "b", "B", "c d")
    assert found.values.dtype == np.float64
    assert_array_equal(decoded(found), table["ward"])


def test_categories_keep_their_order_and_drop_what_does_not_occur(table):
    found = outcome("dose", table)
    assert found.levels == ("low", "high")
    assert_array_equal(decoded(found), table["dose"])


def test_false_is_before_true(table):
    found = outcome("flag", table)
    assert found.levels == ("FALSE", "TRUE")
    assert_array_equal(found.values, table["flag"])


def test_numbers_have_none(table):
    assert outcome("year", table).levels == ()


def test_factor_makes_levels_of_numbers(table):
    found = outcome("factor(year)", table)
    assert (found.name, found.levels) == ("factoryear", ("1999", "2003", "2007"))
    assert_array_equal(found.values, np.tile([0, 1, 2], 8))
    assert outcome('factor(sex, levels = c("Male", "Female"))', table).levels == ("Male", "Female")


def test_string_types_are_alike(table):
    for dtype in (object, "string", "category"):
        assert outcome("sex", table.astype({"sex": dtype})).levels == ("Female", "Male")


def test_refused(table):
    with pytest.raises(DataError, match="outcome 'sex' is Male in every row used"):
        outcome("sex", table[table["sex"] == "Male"])
    with pytest.raises(DataError, match="Python objects of type date"):
        dates = pd.Series(pd.date_range("2026-01-01", periods=24).date, dtype=object)
        outcome("when", table.assign(when=dates))


def test_parameters_of_categories():
    formula = bf("y ~ x", "muB ~ z", shape="~ 1", muC="~ x")
    assert [name for name, _ in formula.dpars] == ["muB", "shape", "muC"]
    assert as_model_formula("bf(y ~ x, muB ~ z, zi ~ 1, hu = ~ x)").outcomes[0].dpars[2][0] == "hu"
    with pytest.raises(FormulaError, match="`mu` is no distributional parameter"):
        bf("y ~ x", mu="~ z")
