"""``gr(id, cov = A)``: reading the known covariance between levels, and what is wrong with one."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import hmlm as hm
from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.formula.known import read_known
from hmlm.types import DataError, FormulaError

TERM = "y ~ x + (1 | gr(id, cov = A))"
NAMES = ["b", "c", "a", "d"]
MATRIX = np.array([[2.0, 0.5, 0.1, 0.0], [0.5, 1.0, 0.2, 0.3], [0.1, 0.2, 3.0, 0.4], [0.0, 0.3, 0.4, 1.5]])
A = pd.DataFrame(MATRIX, NAMES, NAMES)


def table():
    return pd.DataFrame({"y": np.arange(6.0), "x": [1.0, 3.0, 2.0, 5.0, 4.0, 0.0], "id": list("aabbcc")})


def design_of(text, **data2):
    return build_design(as_model_formula(text), table(), data2)


def test_levels_without_rows_are_dropped():
    design = design_of(TERM, A=A)
    (known,) = design.known
    assert known.levels == tuple(NAMES)
    assert_array_equal(known.between(design.factors[0].levels), A.loc[list("abc"), list("abc")])
    assert design.predictors[0].groups[0].term.cov == "A"
    model = hm.model(TERM, table(), data2={"A": A, "unused": None})
    assert model.spec.blocks[0].known.name == "A"
    assert_array_equal(model.model_kwargs["cov"]["id"], A.loc[list("abc"), list("abc")])
    assert "sd" in set(hm.get_prior(TERM, table(), data2={"A": A})["class"])


def test_one_row_of_each_level_needs_no_warning(recwarn):
    hm.model(TERM, table().iloc[::2], data2={"A": A})
    assert not [w for w in recwarn if issubclass(w.category, hm.DataWarning)]


def test_ways_to_state_a_matrix():
    shuffled = A.iloc[:, [2, 0, 3, 1]]
    for value in (A, shuffled, (MATRIX, NAMES), [MATRIX.tolist(), NAMES], read_known("A", A)):
        assert_array_equal(read_known("A", value).matrix, MATRIX)
    numbers = pd.DataFrame(np.eye(2), [1, 2], ["1", "2"])
    assert read_known("A", numbers).levels == ("1", "2")


def changed(i, j, value):
    matrix = MATRIX.copy()
    matrix[i, j] = value
    return pd.DataFrame(matrix, NAMES, NAMES)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (MATRIX, "'A' must be a DataFrame with levels as its index and columns, or a pair"),
        ((MATRIX, NAMES[:3]), "'A' is 4 x 4 with 3 names"),
        (pd.DataFrame(MATRIX, NAMES, list("wxyz")), "the index and the columns of 'A' name different levels"),
        (pd.DataFrame(MATRIX, list("aabc"), list("aabc")), "names the level 'a' more than once"),
        (changed(0, 1, 0.7), "not symmetric: 0.7 between 'b' and 'c', 0.5 between 'c' and 'b'"),
        (changed(0, 0, -2.0), "not positive definite"),
        (changed(0, 0, np.nan), "missing or infinite"),
        (A.astype(object).replace(2.0, "two"), "no number"),
        (
            A.iloc[:3, :3].rename(index={"a": "aa"}, columns={"a": "aa"}),
            "lacks the level 'a' of 'id'; did you",
        ),
    ],
)
def test_what_is_no_covariance_of_the_levels(value, message):
    with pytest.raises(DataError, match=message):
        design_of(TERM, A=value)


def test_a_matrix_that_is_not_there():
    with pytest.raises(DataError, match=r"nothing in data2 has that name; pass data2="):
        hm.model(TERM, table())
    with pytest.raises(DataError, match="data2 has only 'Ainv'; did you mean 'Ainv'"):
        hm.model(TERM.replace("= A", "= Ainf"), table(), data2={"Ainv": A})
    with pytest.raises(DataError, match="data2 must be a mapping"):
        hm.model(TERM, table(), data2=A.to_numpy())


def test_terms_that_share_an_id_share_the_covariance():
    formula = hm.bf("y ~ x + (1 |c| gr(id, cov = A))", sigma="~ (1 |c| id)")
    with pytest.raises(FormulaError, match=r"write gr\(id, cov = A\) in all of them"):
        hm.model(formula, table(), data2={"A": A})


def test_no_formula_for_its_standard_deviations():
    data = table().assign(age=[1.0, 1.0, 2.0, 2.0, 4.0, 4.0])
    with pytest.raises(FormulaError, match="cannot have a formula too"):
        hm.model(hm.bf(TERM, sd={"id": "~ age"}), data, data2={"A": A})
