"""Splines, contrasts and interactions of factors, against R's published values and by hand."""

import numpy as np
import pandas as pd
import pytest
from formulaic.transforms.basis_spline import basis_spline
from numpy.testing import assert_allclose
from scipy.interpolate import BSpline, CubicSpline

from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.types import DataError, FormulaError


def predictor(text, table):
    return build_design(as_model_formula(f"y ~ {text}"), table).predictors[0]


def population(text, table):
    return predictor(text, table).population


@pytest.fixture
def heights() -> pd.DataFrame:
    """R's ``women``: heights of 58 to 72 inches."""
    return pd.DataFrame({"y": np.arange(15.0) ** 2, "x": np.arange(58.0, 73.0)})


def test_natural_splines_are_r(heights):
    """Second row of ``ns(women$height, df = 5)`` as R prints it."""
    design = population("ns(x, df = 5)", heights)
    assert design.names == tuple(f"nsxdfEQ5{i}" for i in range(1, 6))
    printed = [7.592323e-03, 0.0, -8.670223e-02, 2.601067e-01, -1.734045e-01]
    assert_allclose(design.matrix[1], printed, rtol=1e-6, atol=1e-15)
    assert_allclose(design.matrix[0], 0.0, atol=1e-15)


def test_natural_splines_span_those_of_scipy(heights):
    """Natural cubic interpolants of the knots are combinations of the columns."""
    knots = [58.0, 62.5, 66.0, 72.0]
    matrix = population("ns(x, knots = c(62.5, 66))", heights).matrix
    basis = np.column_stack([np.ones(15), matrix])
    wanted = CubicSpline(knots, np.eye(4), bc_type="natural")(heights["x"])
    weights, *_ = np.linalg.lstsq(basis, wanted, rcond=None)
    assert_allclose(basis @ weights, wanted, atol=1e-12)


def test_natural_splines_go_on_as_lines(heights):
    design = population("ns(x, df = 4, Boundary.knots = c(60, 70))", heights)
    new = design.rebuild(pd.DataFrame({"x": [50.0, 55.0, 60.0, 70.0, 80.0, 90.0]}))
    assert_allclose(new[2] - new[1], new[1] - new[0], atol=1e-12)
    assert_allclose(new[5] - new[4], new[4] - new[3], atol=1e-12)
    assert_allclose(design.rebuild(heights[3:9]), design.matrix[3:9], atol=1e-14)


B_SPLINES = {
    "df = 6": {"df": 6},
    "knots = c(61, 64.5)": {"knots": [61, 64.5]},
    "degree = 2, df = 4": {"degree": 2, "df": 4},
    "df = 5, intercept = TRUE": {"df": 5, "include_intercept": True},
}


@pytest.mark.parametrize("options", B_SPLINES)
def test_b_splines_are_those_of_formulaic(options, heights):
    expected = basis_spline(heights["x"], **B_SPLINES[options], _state={})
    matrix = population(f"0 + bs(x, {options})", heights).matrix
    assert_allclose(matrix, np.column_stack(list(expected.values())), atol=1e-13)


def test_boundary_knots_of_b_splines(heights):
    matrix = population("0 + bs(x, knots = 65, intercept = TRUE, Boundary.knots = c(50, 80))", heights).matrix
    knots = np.array([50.0] * 4 + [65.0] + [80.0] * 4)
    assert_allclose(matrix, BSpline(knots, np.eye(5), 3)(heights["x"]), atol=1e-13)
    assert_allclose(matrix.sum(axis=1), 1.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bs(x, df = 2)", "df must be 3 or more, not 2"),
        ("ns(x, df = 4, knots = 3)", "df or knots, not both"),
        ("ns(x, knots = 99)", "knots must lie between 58 and 72"),
        ("bs(x, Boundary.knots = c(60, 70))", "beyond its boundary knots 60, 70"),
        ("ns(x, degree = 2)", "no argument of `ns\\(\\)`"),
    ],
)
def test_splines_refused(text, said, heights):
    with pytest.raises(FormulaError, match=said):
        population(text, heights)


def test_splines_vary_by_group(table):
    (group,) = predictor("(ns(x, df = 2) | g)", table).groups
    assert group.names == ("Intercept", "nsxdfEQ21", "nsxdfEQ22")
    assert_allclose(group.rebuild(table[:5]), group.matrix[:5], atol=1e-14)


CONTRASTS = {
    "C(ward, contr.sum)": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]],
    "C(ward, sum)": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]],
    "C(factor(ward), contr.helmert)": [[-1, -1, -1], [1, -1, -1], [0, 2, -1], [0, 0, 3]],
    "C(ward, contr.treatment)": [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "C(ward, contr.poly)": np.column_stack(
        [
            np.array([-3, -1, 1, 3]) / np.sqrt(20),
            np.array([1, -1, -1, 1]) / 2,
            np.array([-1, 3, -3, 1]) / np.sqrt(20),
        ]
    ),
}
WARDS = ["a", "b", "B", "c d"]


@pytest.mark.parametrize("text", CONTRASTS)
def test_contrasts_are_r(text, table):
    codes = [WARDS.index(ward) for ward in table["ward"]]
    assert_allclose(population(text, table).matrix, np.asarray(CONTRASTS[text], float)[codes], atol=1e-14)


def test_names_of_contrasts(table):
    assert population("C(ward, contr.sum)", table).names == tuple(f"Cwardcontr.sum{i}" for i in (1, 2, 3))
    assert population("C(ward, poly)", table).names == ("Cwardpoly.L", "Cwardpoly.Q", "Cwardpoly.C")
    assert population("C(sex, sum)", table).names == ("Csexsum1",)
    assert population("0 + C(sex, sum)", table).names == ("CsexsumFemale", "CsexsumMale")
    assert population("C(sex, sum)*x", table).names == ("Csexsum1", "x", "Csexsum1:x")
    assert population("C(ward, treatment)", table).names[0] == "Cwardtreatmentb"


def test_contrasts_of_new_data(table):
    design = population("C(ward, sum)*x + C(factor(year), helmert)", table)
    assert_allclose(design.rebuild(table.iloc[[20, 3]]), design.matrix[[20, 3]], atol=1e-14)
    with pytest.raises(DataError, match="unknown level 'z'"):
        design.rebuild(table.assign(ward="z"))


@pytest.mark.parametrize("text", ["C(ward)", "C(ward, contr.sums)", "C(ward, c(1, 2))", "C(log(x), sum)"])
def test_contrasts_refused(text, table):
    with pytest.raises(FormulaError, match="one of contr.sum|the name of a column"):
        population(text, table)


CELLS = [f"sex{sex}:flag{flag}" for sex in ("Female", "Male") for flag in ("FALSE", "TRUE")]
GROUPS = {
    "(0 + sex:flag | g)": CELLS,
    "(sex*flag | g)": ["Intercept", "sexMale", "flagTRUE", "sexMale:flagTRUE"],
    "(0 + sex*flag | g)": ["sexFemale", "sexMale", "flagTRUE", "sexMale:flagTRUE"],
    "(0 + sex:x | g)": ["sexFemale:x", "sexMale:x"],
    "(1 + x:sex || g)": ["Intercept", "x:sexFemale", "x:sexMale"],
    "(sex:flag - 1 | g)": CELLS,
    "(C(sex, sum) | g)": ["Intercept", "Csexsum1"],
    "(C(sex, sum):flag | g)": [
        "Intercept",
        "flagTRUE",
        "Csexsum1:flagFALSE",
        "Csexsum1:flagTRUE",
    ],
    "(0 + factor(year):sex | g)": [
        f"factoryear{year}:sex{sex}" for sex in ("Female", "Male") for year in (1999, 2003, 2007)
    ],
}


@pytest.mark.parametrize("text", GROUPS)
def test_interactions_of_factors_in_group_terms(text, table):
    (group,) = predictor(text, table).groups
    assert sorted(group.names) == sorted(GROUPS[text])
    for name, column in zip(group.names, group.matrix.T, strict=True):
        assert_allclose(column, _product(name, table))


def _product(name: str, table: pd.DataFrame) -> np.ndarray:
    """The column of an interaction: the product of its parts."""
    parts = {
        "Intercept": np.ones(len(table)),
        "x": table["x"],
        "Csexsum1": np.where(table["sex"] == "Female", 1.0, -1.0),
        **{f"sex{level}": table["sex"] == level for level in ("Female", "Male")},
        **{f"flag{level}": table["flag"] == (level == "TRUE") for level in ("FALSE", "TRUE")},
        **{f"factoryear{year}": table["year"] == year for year in (1999, 2003, 2007)},
    }
    return np.prod([np.asarray(parts[part], dtype=float) for part in name.split(":")], axis=0)
