"""``gr(id, by = sex)``: columns apart for each level of a by-variable; and the other options of gr."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import hmlm as hm
from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.spec.names import cor_names, sd_names
from hmlm.spec.table import prior_lines
from hmlm.types import DataError, FormulaError, PriorError

TERM = "(1 + x | gr(id, by = sex))"


def table():
    sex = np.repeat(["male", "female"], 6)
    return pd.DataFrame(
        {
            "y": np.arange(12.0) ** 1.5,
            "x": np.tile([1.0, 4.0, 2.0], 4),
            "id": np.repeat([3, 5, 7, 9], 3),
            "sex": sex,
        }
    )


def groups_of(text):
    return build_design(as_model_formula(f"y ~ x + {text}"), table()).predictors[0].groups


def test_a_design_for_each_level_in_order():
    female, male = groups_of(TERM)
    assert female.names == ("Intercept:sexfemale", "x:sexfemale")
    assert (female.by, male.by) == ("sexfemale", "sexmale")
    assert female.coefficients == male.coefficients == ("Intercept", "x")
    (plain,) = groups_of("(1 + x | id)")
    assert_array_equal(female.matrix + male.matrix, plain.matrix)
    assert_array_equal(male.matrix[:, 0], table()["sex"] == "male")
    assert_array_equal(male.rows, table()["sex"] == "male")


def test_new_data():
    female, _ = groups_of(TERM)
    new = pd.DataFrame({"x": [2.0, 3.0], "sex": ["female", "male"]})
    assert_array_equal(female.rebuild(new), [[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(DataError, match="unknown level 'other'; known: 'female', 'male'"):
        female.rebuild(new.assign(sex="other"))
    with pytest.raises(DataError, match="no column 'sex'"):
        female.rebuild(new[["x"]])


def test_rows_without_the_by_variable_are_left_out():
    data = table()
    data.loc[0, "sex"] = None
    with pytest.warns(hm.DataWarning, match="sex 1"):
        assert build_design(as_model_formula(f"y ~ {TERM}"), data).n_rows == 11


def test_constant_within_levels():
    data = table()
    data.loc[0, "sex"] = "female"
    with pytest.raises(
        DataError, match=r"level '3' of 'id' has the values .* of 'sex'.*write \(1 \| id:sex\)"
    ):
        build_design(as_model_formula(f"y ~ {TERM}"), data)


@pytest.mark.parametrize("text", ["gr(id, by = sex + x)", 'gr(id, by = "sex")', "gr(id, by = TRUE)"])
def test_by_is_one_column(text):
    with pytest.raises(FormulaError, match="by takes one column"):
        as_model_formula(f"y ~ (1 | {text})")


def test_a_coefficient_varies_once():
    with pytest.raises(FormulaError, match="'Intercept' varies over 'id' in 2 terms"):
        groups_of("(1 | id) + (1 | gr(id, by = sex))")


def test_names_as_brms_has_them():
    spec = hm.model(f"y ~ x + {TERM}", table()).spec
    assert [block.members for block in spec.blocks] == [(2, 3), (0, 1)]
    assert [name for block in spec.blocks for name in sd_names(spec, block)] == [
        *("sd_id__Intercept:sexfemale", "sd_id__x:sexfemale", "sd_id__Intercept:sexmale", "sd_id__x:sexmale")
    ]
    assert cor_names(spec, spec.blocks[1])[0][0] == "cor_id__Intercept:sexmale__x:sexmale"


def test_terms_that_share_an_id():
    formula = hm.bf("y ~ x + (1 |c| gr(id, by = sex))", sigma="~ (1 |c| gr(id, by = sex))")
    spec = hm.model(formula, table()).spec
    assert [[term.name for term in block.terms] for block in spec.blocks] == [
        ["Intercept:sexfemale"] * 2,
        ["Intercept:sexmale"] * 2,
    ]


def test_a_prior_of_a_coefficient_is_for_every_level():
    prior = hm.prior("exponential(2)", class_="sd", coef="x", group="id")
    lines = prior_lines(hm.model(f"y ~ x + {TERM}", table(), prior=prior).spec)
    assert [line for line in lines if "exponential" in line] == [
        "sd_id__x:sexfemale ~ exponential(2)",
        "sd_id__x:sexmale ~ exponential(2)",
    ]
    with pytest.raises(PriorError, match="only 'Intercept', 'x'"):
        hm.model(
            f"y ~ x + {TERM}", table(), prior=hm.prior("exponential(2)", class_="sd", coef="z", group="id")
        )


SAME = {
    "(1 + x | gr(id))": "(1 + x | id)",
    "(1 + x | gr(id, by = NULL))": "(1 + x | id)",
    "(1 + x | gr(id, cor = FALSE))": "(1 + x || id)",
    "(1 + x | gr(id, cor = TRUE))": "(1 + x | id)",
    '(1 + x | gr(id, id = "c"))': "(1 + x | c | id)",
    "(1 + x | gr(id:sex))": "(1 + x | id:sex)",
}


@pytest.mark.parametrize("text", SAME)
def test_other_options_of_gr(text):
    terms = [as_model_formula(f"y ~ {t}").outcomes[0].mu.groups for t in (text, SAME[text])]
    assert terms[0] == terms[1]


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "gr(id, cor = 1)": "cor is TRUE or FALSE",
        "gr(id, id = f(x))": "id takes a label",
        'gr(id, id = "c", cor = FALSE)': "terms that share an ID are correlated",
        "gr(id, by = sex, cov = A)": "gr(group) alone is",
        "gr(id, sex)": "gr(group) alone is",
        "gr(id, by = sex, by = sex)": "gr(group) alone is",
    }.items(),
)
def test_options_that_gr_cannot_have(text, message):
    with pytest.raises(FormulaError, match=re.escape(message)):
        as_model_formula(f"y ~ (1 | {text})")
