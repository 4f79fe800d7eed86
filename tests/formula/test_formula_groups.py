"""Group-level columns and grouping factors, against ``formulae`` and by hand."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.formula.factors import group_levels
from hmlm.types import DataError, FormulaError

NAMES = {
    "(1|g)": [["Intercept"]],
    "(x|g)": [["Intercept", "x"]],
    "(1 + x|g)": [["Intercept", "x"]],
    "(0 + x|g)": [["x"]],
    "(x||g)": [["Intercept", "x"]],
    "(sex|g)": [["Intercept", "sexMale"]],
    "(0 + sex|g)": [["sexFemale", "sexMale"]],
    "(0 + factor(year)|g)": [["factoryear1999", "factoryear2003", "factoryear2007"]],
    "(x*steps.pm|g)": [["Intercept", "x", "steps.pm", "x:steps.pm"]],
    "(1|g/h)": [["Intercept"], ["Intercept"]],
    "(1|g) + (0 + x|g)": [["Intercept"], ["x"]],
    "(I(x^2)|g) + (1|h)": [["Intercept", "IxE2"], ["Intercept"]],
}


def design_of(text, table):
    return build_design(as_model_formula(f"y ~ 1 + {text}"), table)


def dense(group, factor):
    """(N, J * Q) matrix Z, coefficients of one name together as in ``formulae``."""
    indicator = np.eye(len(factor.levels))[factor.index]
    return np.hstack([indicator * column[:, None] for column in group.matrix.T])


@pytest.mark.parametrize("text", NAMES)
def test_names(text, table):
    groups = design_of(text, table).predictors[0].groups
    assert [list(g.names) for g in groups] == NAMES[text]
    assert all(g.matrix.shape == (len(table), len(g.names)) for g in groups)


@pytest.mark.parametrize("text", ["(1|g)", "(x|g)", "(0 + x|g)", "(x + steps|h)", "(1 + x:steps|g)"])
def test_same_as_formulae(text, table):
    formulae = pytest.importorskip("formulae")
    table = table.rename(columns={"steps.pm": "steps"})
    ours = design_of(text, table)
    (group,) = ours.predictors[0].groups
    theirs = formulae.design_matrices(f"y ~ 1 + {text}", table).group.design_matrix.toarray()
    assert_allclose(dense(group, ours.factors[0]), theirs)


def test_one_column_per_level(table):
    (group,) = design_of("(0 + sex|g)", table).predictors[0].groups
    assert_allclose(group.matrix, np.column_stack([table["sex"] == "Female", table["sex"] == "Male"]))


def test_factors_in_order_of_first_use(table):
    factors = design_of("(1|h) + (1|g:h) + (x|g) + (0 + x|h)", table).factors
    assert [f.name for f in factors] == ["h", "g:h", "g"]
    assert factors[2].levels == ("2", "9", "10")
    assert factors[1].levels == tuple(f"{g}_{h}" for g in (2, 9, 10) for h in (1, 2, 3))
    assert all(f.index.dtype == np.int32 for f in factors)


def test_index_names_the_level_of_each_row(table):
    for factor in design_of("(1|g/h) + (1|ward) + (1|dose) + (1|flag)", table).factors:
        texts = np.array(factor.levels, dtype=object)[factor.index]
        assert (texts == group_levels(table, factor.columns)).all()
        assert len(set(factor.levels)) == len(set(factor.index)) == factor.index.max() + 1


def test_only_observed_levels(table):
    factors = design_of("(1|dose) + (1|sex:flag)", table[:23]).factors
    assert factors[0].levels == ("low", "high")
    table["dose"] = table["dose"].cat.set_categories(["high", "none", "low"])
    assert design_of("(1|dose)", table).factors[0].levels == ("high", "low")


def test_number_levels_print_as_r(table):
    table["g"] = np.tile([1.0, 2.5, 10.0], 8)
    assert design_of("(1|g)", table).factors[0].levels == ("1", "2.5", "10")


def test_levels_that_collide():
    table = pd.DataFrame({"y": [1.0, 2.0, 3.0], "a": ["1", "1_1", "2"], "b": ["1_1", "1", "2"]})
    with pytest.raises(DataError, match="both read '1_1_1'"):
        design_of("(1|a:b)", table)
    with pytest.raises(DataError, match="several levels that read '1'"):
        design_of("(1|a)", table.assign(a=np.array([1, "1", 2], dtype=object)))


def test_single_level(table):
    with pytest.raises(DataError, match=r"`\(1 \| g\)`: 'g' has the single level '3'"):
        design_of("(1|g)", table.assign(g=3))


def test_coefficient_twice(table):
    with pytest.raises(FormulaError, match="'Intercept' varies over 'g' in 2 terms"):
        design_of("(1|g) + (x|g)", table)


def test_no_coefficient(table):
    with pytest.raises(FormulaError, match=r"`\(0 \| g\)` has no coefficient"):
        design_of("(0|g)", table)
