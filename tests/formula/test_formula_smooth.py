"""``s(x)``: bases against scipy's splines, columns, names, priors, new data and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.interpolate import make_smoothing_spline

import hmlm as hm
from hmlm.density.constrained import constrained_names
from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.formula.smooth import mixed_model_transform
from hmlm.formula.smooth_basis import BASES, cubic_regression, thin_plate
from hmlm.spec.names import summary_rows
from hmlm.spec.table import prior_lines
from hmlm.types import DataError, FormulaError, HmlmError, PriorError


def table(n=60):
    rng = np.random.default_rng(3)
    x = np.round(rng.uniform(-2, 3, n), 2)
    f = np.array(["a", "b", "c"])[np.arange(n) % 3]
    return pd.DataFrame({"y": np.sin(x) + rng.normal(0, 0.2, n), "x": x, "z": rng.normal(size=n), "f": f})


def population(text, data=None):
    return build_design(as_model_formula(text), table() if data is None else data).predictors[0].population


@pytest.mark.parametrize("make", BASES.values(), ids=BASES)
def test_with_all_knots_the_penalised_fit_is_scipys_smoothing_spline(make):
    """``sum (y - f)^2 + c b'Sb`` over a basis of all natural splines, with S the integral of ``f''^2``."""
    x = np.sort(np.random.default_rng(0).uniform(-1, 2, 25))
    y, cost = np.sin(3 * x) + np.random.default_rng(1).normal(0, 0.3, 25), 0.02
    unit = x.std() if make is thin_plate else 1.0
    basis, new = make(x, 25), np.linspace(x[0], x[-1], 40)
    columns = basis.columns(x)
    b = np.linalg.solve(columns.T @ columns + cost / unit**3 * basis.penalty, columns.T @ y)
    assert_allclose(basis.columns(new) @ b, make_smoothing_spline(x, y, lam=cost)(new), atol=1e-7)


def test_penalty_is_the_integral_of_the_squared_second_derivative():
    basis = cubic_regression(table()["x"].to_numpy(), 6)
    b = np.random.default_rng(2).normal(size=6)
    knots = basis.spline.x
    parts = [
        quad(lambda t: (basis.spline(t, 2) @ b) ** 2, *ends)[0]
        for ends in zip(knots, knots[1:], strict=False)
    ]
    assert_allclose(b @ basis.penalty @ b, sum(parts))


@pytest.mark.parametrize("make", BASES.values(), ids=BASES)
def test_wiggly_columns_have_the_unit_penalty_and_sum_to_zero(make):
    x = table()["x"].to_numpy()
    basis = make(x, 7)
    transform = mixed_model_transform(basis.columns(x), basis.penalty)
    penalty = transform.T @ basis.penalty @ transform
    assert_allclose(penalty, penalty[1, 1] * np.diag([0, *[1] * 5]), atol=1e-10 * penalty[1, 1])
    columns = basis.columns(x) @ transform
    assert_allclose(columns.sum(0), 0.0, atol=1e-10)
    assert_allclose(np.corrcoef(columns[:, 0], x)[0, 1], 1.0)


@pytest.mark.parametrize("bs", BASES)
def test_scale_and_origin_of_the_column_do_not_matter(bs):
    data = table()
    moved = data.assign(x=1e5 + 1e3 * data["x"])
    text = f'y ~ s(x, k = 6, bs = "{bs}")'
    assert_allclose(population(text, moved).matrix, population(text, data).matrix, atol=1e-6)


def test_columns_and_new_data():
    columns = population("y ~ z + s(x, k = 5)")
    assert columns.names == ("z", "sx_1", "sx_1[1]", "sx_1[2]", "sx_1[3]")
    assert columns.plain == ("z", "sx_1")
    assert_allclose(columns.rebuild(table().iloc[5:9]), columns.matrix[5:9])
    beyond = columns.rebuild(pd.DataFrame({"x": [4.0, 5.0, 6.0], "z": 0.0}))
    assert_allclose(np.diff(beyond, 2, axis=0), 0.0, atol=1e-9)  # straight lines
    with pytest.raises(DataError, match="missing values"):
        columns.rebuild(pd.DataFrame({"x": [np.nan], "z": 0.0}))


def test_a_function_for_each_category():
    columns, alone = population("y ~ f + s(x, by = f, k = 4)"), population("y ~ s(x, k = 4)")
    assert columns.plain == ("fb", "fc", "sx:fa_1", "sx:fb_1", "sx:fc_1")
    assert columns.names[5:7] == ("sxfa_1[1]", "sxfa_1[2]")
    second = columns.matrix[:, [3, 7, 8]]
    assert_allclose(second, alone.matrix * (table()["f"] == "b").to_numpy()[:, None])
    ordered = table().assign(f=lambda d: pd.Categorical(d["f"], ordered=True))
    assert "sx:fa_1" not in population("y ~ s(x, by = f, k = 4)", ordered).names
    with pytest.raises(DataError, match="unknown level 'd'"):
        columns.rebuild(table().assign(f="d"))


def test_many_distinct_values():
    x = np.random.default_rng(0).normal(size=3000)
    few = thin_plate(x, 6)
    assert len(few.knots) == 500
    assert few.columns(x).shape == (3000, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "y ~ z - s(x)": "cannot be subtracted",
        "y ~ s(log(x))": "a column of numbers",
        "y ~ s(x, z)": r"write s\(x\) \+ s\(z\)",
        "y ~ s(x, fx = TRUE)": "no argument of `s",
        "y ~ s(x, k = 2)": "3 or more",
        'y ~ s(x, bs = "ps")': 'bs is "tp"',
        "y ~ s(x):z": "a population-level term of its own",
        "y ~ z + (s(x) | g)": "a population-level term of its own",
    }.items(),
)
def test_terms_that_are_not_available(text, message):
    with pytest.raises(FormulaError, match=message):
        as_model_formula(text)


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "y ~ s(w)": r"'w' has 4 distinct values, fewer than k = 10; write s\(w, k = 4\)",
        "y ~ s(f, k = 3)": "is not numeric",
        "y ~ s(x, by = z)": "by takes categories",
        "y ~ s(y)": "stands on both sides",
        "y ~ s(x) + s(x)": "several coefficients",
    }.items(),
)
def test_columns_that_have_no_smooth(text, message):
    with pytest.raises(HmlmError, match=message):
        population(text, table().assign(w=np.arange(60) % 4))


def test_a_line_beside_its_smooth():
    with pytest.raises(DataError, match="depend on each other linearly"):
        hm.model("y ~ x + s(x, k = 5)", table())


def test_names_as_brms_has_them():
    spec = hm.model(hm.bf("y ~ s(x, k = 5)", sigma="~ s(x, k = 4, by = f)"), table()).spec
    names = constrained_names(spec)
    assert names[:5] == ("b_Intercept", "bs_sx_1", "s_sx_1[1]", "s_sx_1[2]", "s_sx_1[3]")
    assert {"bs_sigma_sx:fa_1", "s_sigma_sxfa_1[2]", "sds_sigma_sxfa_1", "sds_sx_1"} <= set(names)
    labels = {row.label: row.section for row in summary_rows(spec)}
    assert labels["sx_1"] == labels["sigma_sx:fa_1"] == "population"
    assert labels["sds(sx_1)"] == labels["sds(sigma_sxfa_1)"] == "smooth"


def test_priors():
    prior = [
        hm.prior("exponential(2)", class_="sds", coef="s(x, k = 5)"),
        hm.prior("normal(0, 1)", coef="sx_1"),
    ]
    lines = prior_lines(hm.model("y ~ s(x, k = 5) + s(z, k = 4)", table(), prior=prior).spec)
    assert {"sds_sx_1 ~ exponential(2)", "sds_sz_1 ~ student_t(3, 0, 2.5)"} <= set(lines)
    assert "bs_sx_1 ~ normal(0, 1)" in lines
    frame = hm.get_prior("y ~ s(x)", table())
    assert list(frame.loc[frame["class"] == "sds", "coef"]) == ["", "s(x)"]
    with pytest.raises(PriorError, match=r"no smooth function s\(x\)"):
        hm.model("y ~ z", table(), prior=hm.prior("exponential(2)", class_="sds"))


def test_no_climb_of_the_likelihood():
    with pytest.raises(HmlmError, match=r"ns\(x, df = 4\)"):
        hm.model("y ~ s(x, k = 5)", table()).fit(algorithm="ml")
