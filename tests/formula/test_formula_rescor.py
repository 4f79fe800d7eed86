"""A formula of the residual correlation: how it is written, and what it adds to the design."""

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.formula.bf import as_model_formula, bf, set_rescor
from hmlm.formula.design import build_design
from hmlm.formula.update import update_formula
from hmlm.types import FormulaError, PriorError

BOTH = bf("y ~ x") + bf("v ~ 1") + set_rescor("~ 1 + x + (1 |c| id)")
ROWS = np.arange(12.0)
DATA = pd.DataFrame({"y": np.sin(ROWS), "v": np.cos(ROWS**2), "x": ROWS % 5, "id": ROWS // 3})


def test_ways_to_write_it():
    assert as_model_formula("bf(y ~ x) + bf(v ~ 1) + set_rescor(~ 1 + x + (1 |c| id))") == BOTH
    assert as_model_formula(["y ~ x", "v ~ 1", set_rescor("rescor ~ 1 + x + (1 |c| id)")]) == BOTH
    ((dpar, formula),) = BOTH.joint
    assert (dpar, formula.population, formula.groups[0].label) == ("rescor", "1 + x", "c")
    assert (bf("y ~ x") + bf("v ~ 1") + set_rescor(True)).joint == ()


def test_design_has_a_predictor_of_both_outcomes():
    part = build_design(BOTH, DATA).predictors[-1]
    assert (part.response, part.dpar, part.population.names) == ("", "rescor", ("x",))
    assert part.population.centered and part.groups[0].term.factor == "id"
    uncentered = bf("y ~ x", center=False) + bf("v ~ 1") + set_rescor("~ x")
    assert not build_design(uncentered, DATA).predictors[-1].population.centered
    gap = DATA.assign(z=DATA.x.where(DATA.x > 0))
    with pytest.warns(hm.DataWarning):
        assert build_design(bf("y ~ 1") + bf("v ~ 1") + set_rescor("~ z"), gap).n_dropped == 3


def test_update():
    assert update_formula(BOTH, "rescor ~ . - x").joint[0][1].text == "1 + (1 | c | id)"
    plain = bf("y ~ x") + bf("v ~ 1") + set_rescor(True)
    assert update_formula(plain, "rescor ~ . + x").joint[0][1].population == "1 + x"


WRONG = {
    "of one": (bf("y ~ x") + set_rescor("~ x"), "of two outcomes, and there is one; add another bf"),
    "of three": ([bf("y ~ 1"), bf("v ~ 1"), bf("x ~ 1"), set_rescor("~ 1")], "there are 3; set_rescor"),
    "by an outcome": (["y ~ 1", "v ~ 1", set_rescor("~ v")], "the outcome 'v' stands on both sides"),
    "no column": (["y ~ 1", "v ~ 1", set_rescor("~ 1 + z")], "z"),
}


@pytest.mark.parametrize("case", WRONG)
def test_designs_that_cannot_be(case):
    formula, said = WRONG[case]
    with pytest.raises(hm.HmlmError) as error:
        build_design(as_model_formula(formula), DATA)
    assert said in str(error.value)


def test_errors_teach():
    with pytest.raises(FormulaError, match=r"has `nu` on its left"):
        set_rescor("nu ~ x")
    with pytest.raises(FormulaError, match=r"ar\(\) is about residuals"):
        set_rescor("~ ar(x)")
    with pytest.raises(FormulaError, match=r"belongs to two outcomes together: write .*set_rescor\("):
        bf("y ~ x", rescor="~ x")
    with pytest.raises(FormulaError, match="the family poisson has no residual correlation"):
        hm.model(BOTH, DATA.assign(y=ROWS % 3, v=ROWS % 4), family="poisson")
    with pytest.raises(FormulaError, match=r"an outcome with weights\(\) has no residual correlation"):
        hm.model(["y | weights(x + 1) ~ 1", "v ~ 1", set_rescor("~ x")], DATA)
    with pytest.raises(PriorError, match='with dpar="rescor"'):
        hm.model(BOTH, DATA, prior=hm.prior("lkj(2)", class_="rescor"))


def test_priors():
    table = hm.get_prior(BOTH, DATA)
    own = table[(table.dpar == "rescor") & (table.group == "")].set_index(["class", "coef"]).prior
    assert own["Intercept", ""] == "normal(0, 1)" and own["b", ""] == "(flat)"
    assert own["sd", ""] == "student_t(3, 0, 2.5)" and "rescor" not in set(table["class"])
    stated = [hm.prior("normal(0, 0.3)", dpar="rescor"), hm.prior("exponential(2)", "sd", dpar="rescor")]
    text = str(hm.model(BOTH, DATA, prior=stated).explain())
    assert "b_rescor_x ~ normal(0, 0.3)" in text and "sd_id__rescor_Intercept ~ exponential(2)" in text
