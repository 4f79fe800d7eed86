"""The formulas of the published analyses on their data sets: names, shapes, levels."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from hmlm.formula.bf import as_model_formula, bf, set_rescor
from hmlm.formula.design import build_design
from hmlm.types import DataWarning

pytestmark = pytest.mark.data

M1 = "NA.std ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag | id)"
M2 = bf("NA.std ~ 1 + (1  | c | id)") + bf("PA.std ~ 1 + (1  | c | id)") + set_rescor(True)
M3 = """bf(NA.std ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag  | c | id)) +
        bf(PA.std ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag  | c | id)) + set_rescor(TRUE)"""
M4 = """bf(
    # location
    PA.std ~ 1 + (1 | c | id),
    # scale
    sigma ~ 1 + (1 | c | id)
  )"""
M5 = """bf(
    # location
    PA.std ~ 1 + day + PA_lag + NA_lag + steps.pm*steps.pmd +
      (1 + day + steps.pmd| c | id),
    # scale
    sigma ~ 1 + PA_lag + NA_lag + steps.pm*steps.pmd + (1 + steps.pmd | c | id)
  )"""
LAGS = ("NA_lag", "PA_lag")
STEPS = ("PA_lag", "NA_lag", "steps.pm", "steps.pmd", "steps.pm:steps.pmd")

# response, parameter, population-level names, group-level names
AFFECT = {
    M1: [("NAstd", "mu", LAGS, ("Intercept", *LAGS))],
    M2: [("NAstd", "mu", (), ("Intercept",)), ("PAstd", "mu", (), ("Intercept",))],
    M3: [("NAstd", "mu", LAGS, ("Intercept", *LAGS)), ("PAstd", "mu", LAGS, ("Intercept", *LAGS))],
    M4: [("PAstd", "mu", (), ("Intercept",)), ("PAstd", "sigma", (), ("Intercept",))],
    M5: [
        ("PAstd", "mu", ("day", *STEPS), ("Intercept", "day", "steps.pmd")),
        ("PAstd", "sigma", STEPS, ("Intercept", "steps.pmd")),
    ],
}


@pytest.mark.parametrize("formula", AFFECT, ids=["m1", "m2", "m3", "m4", "m5"])
def test_affect_models(formula, published):
    table = published("williams")
    design = build_design(as_model_formula(formula), table)
    found = [(p.response, p.dpar, p.population.names, p.groups[0].names) for p in design.predictors]
    assert found == AFFECT[formula]
    (factor,) = design.factors
    assert (factor.name, len(factor.levels), factor.levels[:3]) == ("id", 193, ("1", "2", "3"))
    assert (design.n_rows, design.n_dropped) == (13_033, 0)
    for predictor in design.predictors:
        names = predictor.groups[0].names
        expected = [np.ones(len(table)) if n == "Intercept" else table[n] for n in names]
        assert_allclose(predictor.groups[0].matrix.T, expected)


def test_affect_interaction(published):
    table = published("williams")
    matrix = build_design(as_model_formula(M5), table).predictors[0].population.matrix
    assert_allclose(matrix[:, -1], table["steps.pm"] * table["steps.pmd"])


def test_gpa(published):
    table = published("gpa")
    design = build_design(as_model_formula("gpa ~ occasion + sex + (1 + occasion | student)"), table)
    assert design.predictors[0].population.names == ("occasion", "sexmale")
    assert design.factors[0].levels == tuple(str(i) for i in range(1, 201))
    assert_array_equal(design.factors[0].index, table["student"].to_numpy() - 1)


def test_pupils(published):
    table = published("pupils")
    text = "achievement ~ sex + ses + (1|primary_school_id) + (1|secondary_school_id)"
    table["sex"] = pd.Categorical(table["sex"], categories=["male", "female"])
    table["ses"] = pd.Categorical(table["ses"], categories=["lowest", "2", "3", "4", "5", "highest"])
    design = build_design(as_model_formula(text), table)
    names = ("sexfemale", "ses2", "ses3", "ses4", "ses5", "seshighest")
    assert design.predictors[0].population.names == names
    assert [(f.name, len(f.levels)) for f in design.factors] == [
        ("primary_school_id", 50),
        ("secondary_school_id", 30),
    ]


NURSES = "stress ~ age + sex + experience + treatment + wardtype + hospsize + "


def test_nurses(published):
    table = published("nurses")
    crossed = build_design(as_model_formula(NURSES + "(1|hospital) + (1|hospital:ward)"), table)
    nested = build_design(as_model_formula(NURSES + "(1|hospital/ward)"), table)
    for a, b in zip(crossed.factors, nested.factors, strict=True):
        assert (a.name, a.columns, a.levels) == (b.name, b.columns, b.levels)
        assert_array_equal(a.index, b.index)
    ward = crossed.factors[1]
    assert (ward.name, len(ward.levels), ward.levels[:2]) == ("hospital:ward", 100, ("1_1", "1_2"))
    assert "wardtypespecialcare" in crossed.predictors[0].population.names


def test_speed_dating(published):
    table = published("speed_dating")
    table["decision"] = (table["decision"] == "Yes").astype(int)
    text = "decision ~ sex + samerace + attractive_sc + sincere_sc + intelligent_sc + (1|iid)"
    with pytest.warns(DataWarning, match="dropped 341 of 7 707 rows"):
        design = build_design(as_model_formula(text), table)
    assert (design.n_rows, design.n_dropped) == (7_366, 341)
    assert design.predictors[0].population.names[:2] == ("sexMale", "sameraceYes")
