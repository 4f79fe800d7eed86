"""Formulas of standard deviations between groups: what is read, what is built, what is refused."""

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.formula.update import update_formula
from hmlm.types import DataError, FormulaError

TABLE = pd.DataFrame(
    {
        "y": [1.0, 2.0, 0.5, 3.0, 2.5, 1.5, 0.0, 1.0],
        "v": [0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.5],
        "x": [0.1, 0.4, 0.2, 0.9, 0.3, 0.5, 0.8, 0.7],
        "id": ["b", "a", "c", "a", "b", "c", "d", "d"],
        "age": [30, 20, 40, 20, 30, 40, 35, 35],
        "sex": ["f", "m", "m", "m", "f", "m", "f", "f"],
        "one": 1.0,
    }
)


def design(formula, table=TABLE):
    return build_design(as_model_formula(formula), table)


def test_a_row_per_level_in_the_order_of_levels():
    (part,) = design(hm.bf("y ~ x + (1 + x | id)", sd={"id": "~ age * sex"})).sds
    assert part.names == ("age", "sexm", "age:sexm")
    np.testing.assert_array_equal(part.matrix, [[20, 1, 20], [30, 0, 0], [40, 1, 40], [35, 0, 0]])
    np.testing.assert_array_equal(part.means, part.matrix.mean(0))
    assert part.coefficients == ((0, 0, 0), (0, 0, 1))


def test_functions_are_of_levels_not_of_rows():
    (part,) = design(hm.bf("y ~ (1 | id)", sd={"id": "~ scale(age)"})).sds
    np.testing.assert_allclose(part.matrix.mean(), 0.0, atol=1e-12)
    np.testing.assert_allclose(part.matrix.std(ddof=1), 1.0)


def test_one_coefficient_and_one_of_sigma():
    formula = hm.bf(
        "y ~ (1 + x | id)", sigma="~ (1 | id)", sd={"id__x": "~ age", "id__sigma_Intercept": "~ sex"}
    )
    slope, scale = design(formula).sds
    assert (slope.coefficients, scale.coefficients) == (((0, 0, 1),), ((1, 0, 0),))


def test_without_centering_columns_stay_as_they_are():
    (part,) = design(hm.bf("y ~ (1 | id)", sd={"id": "~ age"}, center=False)).sds
    np.testing.assert_array_equal(part.means, [0.0])


def test_new_levels_are_built_with_the_old_encodings():
    (part,) = design(hm.bf("y ~ (1 | id)", sd={"id": "~ sex"})).sds
    new = pd.DataFrame({"id": ["z", "a", "w", "z"], "sex": ["m", "f", "f", "m"]})
    np.testing.assert_array_equal(part.rebuild(new, ("z", "w")), [[1.0], [0.0]])
    with pytest.raises(DataError, match=r"'sex' differs within level 'z' of 'id' \(m and f\)"):
        part.rebuild(new.assign(sex=["m", "f", "f", "f"]), ("z", "w"))


def test_rows_without_a_covariate_are_left_out_with_a_warning():
    with pytest.warns(hm.DataWarning, match="age 2"):
        found = design(
            hm.bf("y ~ (1 | id)", sd={"id": "~ age"}), TABLE.assign(age=TABLE.age.where(TABLE.id != "c"))
        )
    assert found.n_rows == 6 and len(found.sds[0].matrix) == 3


def test_updating_the_mean_keeps_it():
    old = as_model_formula(hm.bf("y ~ (1 | id)", sd={"id": "~ age"}))
    assert update_formula(old, ". ~ . + x").outcomes[0].sd == old.outcomes[0].sd


@pytest.mark.parametrize(
    ("sd", "message"),
    [
        ("~ age", 'sd takes formulas by grouping factor, sd={"id": "~ age"}, not \'~ age\''),
        ({"id": 3}, "sd: the formula of 'id' is text"),
        ({"id": "age"}, "there is no `~` in `age`"),
        ({"id": "y ~ age"}, "has `y` left of `~`; write `~ age`"),
        ({"id": "~ age + (1 | sex)"}, "`sd(id) ~ age + (1 | sex)`: only covariates of levels"),
        ({"id": "~ offset(age)"}, "only covariates of levels"),
        ({"id": "~ 0 + age"}, "its intercept is the standard deviation itself; leave `0 +` out"),
        ({"id": "~ 1"}, "`sd(id) ~ 1` has no covariate"),
        (
            {"idd": "~ age"},
            "'idd' is none of what varies in 'y': id__Intercept, id, id__x; did you mean 'id'?",
        ),
        ({"id__z": "~ age"}, "'id__z' is none of what varies in 'y'"),
        ({"id": "~ age", "id__x": "~ age"}, "the standard deviation of 'x' by 'id' has two formulas"),
    ],
)
def test_formulas_that_say_what_is_wrong(sd, message):
    with pytest.raises(FormulaError) as error:
        design(hm.bf("y ~ x + (1 + x | id)", sd=sd))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("sd", "message"),
    [
        ({"id": "~ x"}, "`sd(id) ~ x`: 'x' differs within level 'a' of 'id' (0.4 and 0.9)"),
        ({"id": "~ one"}, "'one' is 1 in every level of 'id'"),
        ({"id": "~ ages"}, "`sd(id) ~ ages`: no column 'ages'; did you mean 'age'?"),
    ],
)
def test_covariates_that_cannot_be_used(sd, message):
    with pytest.raises(DataError) as error:
        design(hm.bf("y ~ x + (1 | id)", sd=sd))
    assert message in str(error.value)


def test_nothing_varies():
    with pytest.raises(FormulaError, match=r"the formula of 'y' has no term like \(1 \| id\)"):
        design(hm.bf("y ~ x", sd={"id": "~ age"}))
