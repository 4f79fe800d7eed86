"""``mm(a, b)``: one factor of which rows have several levels, with weights."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import hmlm as hm
from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.spec.names import effects_name, sd_names
from hmlm.types import DataError, FormulaError, MultiMembership


def table():
    return pd.DataFrame(
        {
            "y": [1.0, 3.0, 2.0, 5.0, 4.0],
            "x": [0.0, 1.0, 2.0, 4.0, 3.0],
            "a": ["p", "q", "p", "r", "q"],
            "b": ["q", "s", "p", "p", "r"],
            "v": [1.0, 2.0, 0.0, 3.0, 1.0],
            "w": [3.0, 2.0, 4.0, 1.0, 0.0],
        }
    )


def factor_of(text, data=None):
    (factor,) = build_design(as_model_formula(f"y ~ x + {text}"), table() if data is None else data).factors
    return factor


def test_levels_are_those_of_all_columns():
    factor = factor_of("(1 | mm(a, b))")
    assert (factor.name, factor.columns, factor.levels) == ("mmab", ("a", "b"), ("p", "q", "r", "s"))
    assert_array_equal(factor.members.index, [[0, 1], [1, 3], [0, 0], [2, 0], [1, 2]])
    assert_array_equal(factor.members.weights, np.full((5, 2), 0.5))
    assert_array_equal(factor.index, factor.members.index[:, 0])


def test_weights_sum_to_one_unless_they_are_not_scaled():
    raw = table()[["v", "w"]].to_numpy()
    scaled = factor_of("(1 | mm(a, b, weights = cbind(v, w)))").members
    assert_allclose(scaled.weights, raw / raw.sum(1, keepdims=True))
    plain = factor_of("(1 | mm(a, b, weights = cbind(v, w), scale = FALSE))").members
    assert_allclose(plain.weights, raw)
    assert_array_equal(factor_of("(1 | mm(a, b, scale = FALSE))").members.weights, 1.0)
    assert_allclose(scaled.rebuild(pd.DataFrame({"v": [1.0], "w": [1.0]})), [[0.5, 0.5]])
    computed = factor_of("(1 | mm(a, b, weights = cbind(v^2, 1)))").members
    assert_allclose(computed.weights[1], [0.8, 0.2])


def test_the_term_and_its_names():
    (term,) = as_model_formula("y ~ (1 + x | c | mm(a, b, weights = cbind(v, w)))").outcomes[0].mu.groups
    assert (term.label, term.factor, term.multiple) == ("c", "mmab", MultiMembership(("v", "w"), True))
    (other,) = as_model_formula("y ~ (x | mm(a, b, cor = FALSE))").outcomes[0].mu.groups
    assert not other.correlated
    spec = hm.model("y ~ x + (1 + x | mm(a, b))", table()).spec
    assert sd_names(spec, spec.blocks[0]) == ("sd_mmab__Intercept", "sd_mmab__x")
    assert effects_name(spec, 0, 0) == "r_mmab"


def test_rows_without_a_membership_are_left_out():
    with pytest.warns(hm.DataWarning, match="b 1"):
        factor = factor_of("(1 | mm(a, b))", table().assign(b=["q", None, "p", "p", "r"]))
    assert factor.levels == ("p", "q", "r")


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "mm(a)": "mm takes two columns or more, each once",
        "mm(a, a)": "mm takes two columns or more, each once",
        "mm(a, b:v)": "mm takes two columns or more, each once",
        "mm(a, b, weights = v)": "weights takes as many columns as there are memberships",
        "mm(a, b, weights = cbind(v))": "weights takes as many columns as there are memberships",
        "mm(a, b, scale = 2)": "scale is TRUE or FALSE",
        "mm(a, b, cov = A)": "mm() with by, cov or dist",
    }.items(),
)
def test_what_mm_cannot_have(text, message):
    with pytest.raises(FormulaError, match=re.escape(message)):
        as_model_formula(f"y ~ (1 | {text})")


def test_weights_that_cannot_be():
    with pytest.raises(DataError, match="a weight is -1"):
        factor_of("(1 | mm(a, b, weights = cbind(v, w)))", table().assign(w=[-1.0, 0, 0, 0, 0]))
    with pytest.raises(DataError, match="the weights of a row are all zero"):
        factor_of("(1 | mm(a, b, weights = cbind(v, w)))", table().assign(w=0.0))
    with pytest.raises(DataError, match="has the single level"):
        factor_of("(1 | mm(a, b))", table().assign(a="p", b="p"))
    with pytest.raises(DataError, match="the same columns with other weights"):
        hm.model(hm.bf("y ~ (1 | mm(a, b))", sigma="~ (1 | mm(a, b, weights = cbind(v, w)))"), table())


def test_what_cannot_stand_beside_it():
    with pytest.raises(FormulaError, match="belongs to several levels of 'mmab'"):
        hm.model(hm.bf("y ~ (1 | mm(a, b))", sd={"mmab": "~ x"}), table().assign(x=[0, 1, 0, 2, 1]))
    with pytest.raises(FormulaError, match=re.escape("mm() and ar() are not available together")):
        hm.model("y ~ (1 | mm(a, b)) + ar(gr = a)", table())
