"""Rows kept, tables refused, and the same encodings for new data."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.types import DataError, DataWarning, FormulaError


def build(text, table):
    return build_design(as_model_formula(text), table)


def test_incomplete_rows_are_dropped_and_counted(table):
    table.loc[3, "x"] = np.nan
    table.loc[[3, 5], "y.2"] = np.nan
    table.loc[7, "steps.pm"] = np.nan
    with pytest.warns(DataWarning, match=r"dropped 2 of 24 rows with missing values; by column: y.2 2, x 1"):
        design = build("bf(y ~ x + (1|g)) + bf(y.2 ~ 1 + (1|h))", table)
    kept = [i for i in range(24) if i not in (3, 5)]
    assert_array_equal(design.rows, kept)
    assert (design.n_rows, design.n_dropped) == (22, 2)
    assert_allclose(design.outcomes[0].values, table["y"][kept])
    assert_allclose(design.predictors[0].population.matrix[:, 0], table["x"][kept])
    assert all(len(f.index) == 22 for f in design.factors)


def test_complete_table_is_silent(table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build("y ~ x*sex + log(steps.pm) + (1|g)", table)


def test_large_counts_are_grouped():
    y = np.arange(2000.0)
    y[:1500] = np.nan
    with pytest.warns(DataWarning, match="dropped 1 500 of 2 000 rows"):
        build("y ~ 1", {"y": y})


REFUSED = {
    "y ~ xx": "no column 'xx'; did you mean 'x'",
    "y ~ x + (1|G)": r"`\(1 \| G\)`: no column 'G'; did you mean 'g'",
    "y ~ (steps | g)": r"`\(steps \| g\)`: no column 'steps'; did you mean 'steps.pm'",
    "why ~ x": "no column 'why'; the table has",
    "when ~ x": "column 'when' is not numeric .*count time from its start",
    "same ~ x": "outcome 'same' is u in every row",
    "y ~ log(sex)": "column 'sex' is not numeric",
    "y ~ when": "column 'when' is not numeric",
    "y ~ infinite": "column 'infinite' has 2 infinite values",
    "infinite ~ 1": "column 'infinite' has 2 infinite values",
    "y ~ constant": "'constant' is 3 in every row",
    "y ~ x + I(0 * x)": "'I0MUx' is 0 in every row",
    "y ~ 1 + x + (1|constant)": "'constant' has the single level '3'",
    "y ~ same": "categorical column 'same' has the single level 'u'",
    "constant ~ x": "outcome 'constant' is 3 in every row",
    "y ~ empty": "no row of 24 is complete; missing values by column: empty 24",
    "y ~ log(x)": "'logx' has .* infinite or undefined",
    "y ~ scale(constant)": "'scaleconstant' has 24 infinite or undefined",
    "y ~ poly(year, 3)": "degree must be less than the number of distinct values, 3",
    "log(x) ~ 1": "infinite or undefined",
    'y ~ factor(sex, levels = c("Male"))': "also has the levels 'Female'",
}


@pytest.mark.parametrize("text", REFUSED)
def test_column_refused(text, table):
    table["infinite"] = np.r_[np.inf, -np.inf, np.arange(22.0)]
    table["constant"], table["same"], table["empty"] = 3, "u", np.nan
    table["when"] = pd.date_range("2026-01-01", periods=24)
    with pytest.raises(DataError, match=REFUSED[text]):
        build(text, table)


def test_constant_column_without_intercept(table):
    assert build("y ~ 0 + one", table.assign(one=1)).predictors[0].population.names == ("one",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.iloc[:0], "no rows"),
        (lambda d: pd.concat([d, d]), "reset_index"),
        (lambda d: pd.concat([d, d[["x"]]], axis=1), "several columns named 'x'"),
        (lambda d: [1, 2], "not list"),
        (lambda d: {"y": [1, 2], "x": [1, 2, 3]}, "columns differ in length: y 2, x 3"),
    ],
)
def test_table_refused(change, said, table):
    with pytest.raises(DataError, match=said):
        build("y ~ x", change(table))


def test_mappings_and_other_tables(table):
    class Polars:
        def to_pandas(self):
            return table

    expected = build("y ~ x + sex", table).predictors[0].population.matrix
    for data in ({c: table[c].to_numpy() for c in table}, Polars(), table.convert_dtypes()):
        assert_allclose(build("y ~ x + sex", data).predictors[0].population.matrix, expected)


def test_outcomes_of_one_name(table):
    with pytest.raises(FormulaError, match="share the name 'y2'"):
        build_design(as_model_formula(["y.2 ~ 1", "y_2 ~ 1"]), table.assign(y_2=1.0))


def test_true_and_false_outcome(table):
    assert_array_equal(np.unique(build("flag ~ x", table).outcomes[0].values), [0.0, 1.0])


TERMS = "x*sex + scale(steps.pm) + poly(x, 2) + factor(year) + bs(x, df = 4) + dose + flag + I(x^2)"


def test_rebuild_gives_the_same_rows(table):
    design = build(f"y ~ {TERMS} + ({TERMS} | g)", table)
    predictor = pickle.loads(pickle.dumps(design)).predictors[0]
    some = [17, 2, 8, 2]
    for part in (predictor.population, predictor.groups[0]):
        assert_allclose(part.rebuild(table.iloc[some].reset_index(drop=True)), part.matrix[some], atol=1e-12)
        assert_allclose(part.rebuild(table.drop(columns=["y", "g"])), part.matrix, atol=1e-12)
        assert_allclose(part.rebuild(table.iloc[[5]]), part.matrix[[5]], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sex": "diverse"}, "column 'sex' has the unknown level 'diverse'; known: 'Female', 'Male'"),
        ({"year": 2001}, "column 'year' has the unknown level '2001'; known: '1999', '2003', '2007'"),
        ({"x": np.nan}, r"new data has missing values \(x 24\)"),
        ({"x": 99.0}, "cannot be built for the new data"),
        ({"x": "one"}, "column 'x' is not numeric"),
        ({"steps.pm": np.inf}, "24 infinite values"),
    ],
)
def test_rebuild_refuses(change, said, table):
    rebuild = build(f"y ~ {TERMS}", table).predictors[0].population.rebuild
    with pytest.raises(DataError, match=said):
        rebuild(table.assign(**change))
    with pytest.raises(DataError, match="no column 'x'"):
        rebuild(table.drop(columns="x"))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"y": rng.normal(size=20), "x": rng.normal(size=20), "f": list("abcde" * 4), "g": [3, 20] * 10}
    )
    order = np.random.default_rng(seed).permutation(20)
    text = "y ~ poly(x, 2)*f + scale(x) + (0 + f | g:f) + (x | g)"
    first, second = build(text, table), build(text, table.iloc[order])
    assert [f.levels for f in first.factors] == [f.levels for f in second.factors]
    for a, b in zip(first.factors, second.factors, strict=True):
        assert_array_equal(a.index[order], b.index)
    one, two = first.predictors[0], second.predictors[0]
    for a, b in zip((one.population, *one.groups), (two.population, *two.groups), strict=True):
        assert a.names == b.names
        assert_allclose(a.matrix[order], b.matrix, atol=1e-12)
