"""Population-level columns and names against NumPy, pandas, R's published values and formulaic itself."""

import formulaic
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from hmlm.formula.bf import as_model_formula, bf
from hmlm.formula.design import build_design
from hmlm.formula.names import coefficient_name, outcome_name
from hmlm.types import DataError, FormulaError

NAMES = {
    "sex": ["sexMale"],
    "0 + sex": ["sexFemale", "sexMale"],
    "ward": ["wardb", "wardB", "wardcd"],
    "flag": ["flagTRUE"],
    "dose": ["dosehigh"],
    "factor(year)": ["factoryear2003", "factoryear2007"],
    "as.factor(year)": ["as.factoryear2003", "as.factoryear2007"],
    'factor(sex, levels = c("Male", "Female"))': ["factorsexlevelsEQcMaleFemaleFemale"],
    "year": ["year"],
    "steps.pm*sex": ["steps.pm", "sexMale", "steps.pm:sexMale"],
    "sex + sex:x": ["sexMale", "sexFemale:x", "sexMale:x"],
    "x + sex:x": ["x", "x:sexMale"],
    "sex:flag + sex + flag": ["sexMale", "flagTRUE", "sexMale:flagTRUE"],
    "I(x^2) + I(x/2) + I(x*year - 1)": ["IxE2", "IxD2", "IxMUyearM1"],
    "scale(x) + center(x) + log(steps.pm)": ["scalex", "centerx", "logsteps.pm"],
    "poly(x, 2)": ["polyx21", "polyx22"],
    "poly(x, 1)": ["polyx1"],
    "poly(x = year, 2)": ["polyxEQyear21", "polyxEQyear22"],
    "poly(x, 2, raw = TRUE):sex": [
        "polyx2rawEQTRUE1:sexFemale",
        "polyx2rawEQTRUE2:sexFemale",
        "polyx2rawEQTRUE1:sexMale",
        "polyx2rawEQTRUE2:sexMale",
    ],
    "bs(x, df = 4)": [f"bsxdfEQ4{i}" for i in (1, 2, 3, 4)],
    "0 + Intercept + sex": ["Intercept", "sexMale"],
    "0": [],
    "1": [],
}


def population(text, table, **options):
    return build_design(as_model_formula(bf(f"y ~ {text}", **options)), table).predictors[0].population


def column(text, table):
    (values,) = population(text, table).matrix.T
    return values


@pytest.mark.parametrize("text", NAMES)
def test_names(text, table):
    design = population(text, table)
    assert list(design.names) == NAMES[text]
    assert design.matrix.shape == (len(table), len(NAMES[text]))
    assert design.matrix.dtype == np.float64
    assert not any("/" in name for name in design.names)


VALUES = {
    "x": lambda d: d["x"],
    "I(x^2 / -2 + 1)": lambda d: d["x"] ** 2 / -2 + 1,
    "I((x - year)^-1)": lambda d: 1 / (d["x"] - d["year"]),
    "I(-x^2)": lambda d: -(d["x"] ** 2),
    "x:steps.pm": lambda d: d["x"] * d["steps.pm"],
    "scale(x)": lambda d: (d["x"] - d["x"].mean()) / d["x"].std(ddof=1),
    "scale(x, scale = FALSE)": lambda d: d["x"] - d["x"].mean(),
    "scale(steps.pm, FALSE)": lambda d: d["steps.pm"] / np.sqrt((d["steps.pm"] ** 2).sum() / (len(d) - 1)),
    "center(x)": lambda d: d["x"] - d["x"].mean(),
    "I(flag * 2)": lambda d: d["flag"] * 2.0,
    "sex": lambda d: d["sex"] == "Male",
    "flag": lambda d: d["flag"],
    **{f: lambda d, f=f: getattr(np, f)(d["steps.pm"]) for f in ("exp", "sqrt", "log2", "sin")},
}


@pytest.mark.parametrize("text", VALUES)
def test_values(text, table):
    source = text if not text.isalnum() or text in table else f"{text}(steps.pm)"
    assert_allclose(column(source, table), VALUES[text](table).astype(float), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    "text", ["x*sex", "x + ward:sex", "ward*sex - sex", "poly(x, 3)*ward", "bs(x, df=5)", "x/sex"]
)
def test_same_as_formulaic(text, table):
    table = table.replace({"ward": {"B": "k"}})  # formulaic sorts capitals first
    expected = formulaic.Formula(text).get_model_matrix(table).drop(columns="Intercept")
    assert_allclose(population(text, table).matrix, expected.to_numpy(float), atol=1e-13)


def test_poly_is_r():
    table = pd.DataFrame({"y": [1.0, 2.0, 1.0, 0.0, 4.0], "x": [1, 2, 3, 4, 5]})
    linear, quadratic = population("poly(x, 2)", table).matrix.T
    assert_allclose(linear, np.array([-2, -1, 0, 1, 2]) / np.sqrt(10), atol=1e-14)
    assert_allclose(quadratic, np.array([2, -1, -2, -1, 2]) / np.sqrt(14), atol=1e-14)


def test_intercept_and_centering(table):
    for text, intercept in {"x": True, "0 + x": False, "x - 1": False, "0 + Intercept + x": False}.items():
        design = population(text, table)
        assert (design.intercept, design.centered) == (intercept, intercept)
    assert not population("x", table, center=False).centered
    assert population("x", table, center=False).intercept
    assert_allclose(population("0 + Intercept + x", table).matrix[:, 0], 1.0)


def test_reserved_intercept_stands_alone(table):
    for text in ("1 + Intercept + x", "Intercept", "0 + Intercept:x"):
        with pytest.raises(FormulaError, match="0 \\+ Intercept"):
            population(text, table)


def test_text_numbers_are_levels(table):
    table["code"] = np.tile(["1", "2", "10"], 8).astype(object)
    assert population("code", table).names == ("code10", "code2")
    table["number"] = np.arange(24).astype(object)
    assert population("number", table).names == ("number",)


def test_categories_keep_their_order(table):
    table["sex"] = pd.Categorical(table["sex"], categories=["Male", "other", "Female"])
    assert population("sex", table).names == ("sexFemale",)


def test_names_are_brms():
    assert coefficient_name("wardtypespecial care") == "wardtypespecialcare"
    assert coefficient_name("factor(year)2") == "factoryear2"
    assert coefficient_name("a/b$c") == "aDbUSDc"
    assert outcome_name("NA.std") == "NAstd"
    assert outcome_name("my_y.2") == "myy2"
    with pytest.raises(FormulaError, match="neither letters nor digits"):
        outcome_name("._")


def test_names_that_collide(table):
    table["ward"] = np.tile(["a", "b c", "bc"], 8)
    with pytest.raises(DataError, match="would be named 'wardbc'"):
        population("ward", table)


def test_computed_outcome(table):
    design = build_design(as_model_formula("log(steps.pm) ~ x"), table)
    assert (design.outcomes[0].name, design.outcomes[0].column) == ("logstepspm", "log(steps.pm)")
    assert_allclose(design.outcomes[0].values, np.log(table["steps.pm"]))
