"""``mo(x)``: columns of its steps, names, priors and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import hmlm as hm
from hmlm.density.constrained import constrained_names
from hmlm.formula.bf import as_model_formula
from hmlm.formula.design import build_design
from hmlm.spec.names import summary_rows
from hmlm.spec.table import prior_lines
from hmlm.types import DataError, FormulaError, HmlmError, PriorError

INCOME = ["low", "middle", "high"]


def table():
    x = np.tile([2, 4, 3, 5], 5)
    income = pd.Categorical(np.array(INCOME)[np.arange(20) % 3], categories=INCOME, ordered=True)
    return pd.DataFrame({"y": np.sin(np.arange(20)), "x": x, "income": income, "z": np.cos(np.arange(20.0))})


def population(text):
    return build_design(as_model_formula(text), table()).predictors[0].population


def test_a_column_for_each_step():
    columns = population("y ~ mo(x) + z")
    assert columns.names == ("z", "mox1[1]", "mox1[2]", "mox1[3]")
    assert columns.plain == ("z",)
    assert columns.monotonic == (("mox", 3),)
    assert_array_equal(columns.matrix[:4, 1:], [[0, 0, 0], [1, 1, 0], [1, 0, 0], [1, 1, 1]])


def test_every_whole_number_is_a_level():
    data = table().assign(x=[-1, 2] * 10)
    design = build_design(as_model_formula("y ~ mo(x)"), data)
    assert design.predictors[0].population.monotonic == (("mox", 3),)
    assert_array_equal(design.predictors[0].population.rebuild(data.head(1).assign(x=1)), [[1, 1, 0]])
    with pytest.warns(hm.DataWarning, match="only their priors tell them apart"):
        hm.model("y ~ mo(x)", data)


def test_ordered_categories():
    columns = population("y ~ mo(income)")
    assert columns.monotonic == (("moincome", 2),)
    assert_array_equal(columns.matrix[:3], [[0, 0], [1, 0], [1, 1]])


def test_new_data():
    columns = population("y ~ mo(x) + mo(income)")
    new = pd.DataFrame({"x": [5.0, 2.0], "income": ["middle", "high"]})
    assert_array_equal(columns.rebuild(new), [[1, 1, 1, 1, 0], [0, 0, 0, 1, 1]])
    with pytest.raises(DataError, match="unknown level '6'; known: '2', '3', '4', '5'"):
        columns.rebuild(new.assign(x=6))
    with pytest.raises(DataError, match="missing values"):
        columns.rebuild(new.assign(x=np.nan))


def test_rows_without_a_value_are_left_out():
    data = table().assign(x=lambda d: d["x"].where(d.index > 0))
    with pytest.warns(hm.DataWarning, match="x 1"):
        assert build_design(as_model_formula("y ~ mo(x)"), data).n_rows == 19


REFUSED = {
    "would have 998 steps, more than 100": lambda d: d.assign(x=[2, 1000] * 10),
    "takes whole numbers, and there is 2.5": lambda d: d.assign(x=[2.0, 2.5] * 10),
    "'x' is 7 in every row": lambda d: d.assign(x=7),
    "neither whole numbers nor ordered categories": lambda d: d.assign(x=["a", "b"] * 10),
}


@pytest.mark.parametrize("message", REFUSED)
def test_columns_that_have_no_steps(message):
    with pytest.raises(DataError, match=message):
        build_design(as_model_formula("y ~ mo(x)"), REFUSED[message](table()))


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "y ~ z - mo(x)": "cannot be subtracted",
        "y ~ mo(log(x))": "mo takes one column",
        "y ~ mo(x, id = 1)": "mo takes one column",
        "y ~ mo(x):z": "a population-level term of its own",
        "y ~ mo(x) * z": "a population-level term of its own",
        "y ~ z + (mo(x) | g)": "a population-level term of its own",
    }.items(),
)
def test_terms_that_are_not_available(text, message):
    with pytest.raises(FormulaError, match=message):
        as_model_formula(text)


def test_twice():
    with pytest.raises(DataError, match="several coefficients"):
        population("y ~ mo(x) + mo(x)")


def test_outcome_on_both_sides():
    with pytest.raises(FormulaError, match="stands on both sides"):
        population("y ~ mo(y)")


def test_names_as_brms_has_them():
    spec = hm.model(hm.bf("y ~ mo(income) + z", sigma="~ mo(x)"), table()).spec
    simplex = [f"simo_sigma_mox1[{k}]" for k in (1, 2, 3)]
    assert constrained_names(spec) == (
        *("b_Intercept", "b_z", "bsp_moincome", "simo_moincome1[1]", "simo_moincome1[2]"),
        *("b_sigma_Intercept", "bsp_sigma_mox", *simplex),
    )
    labels = {row.label: row.section for row in summary_rows(spec)}
    assert labels["moincome"] == labels["sigma_mox"] == "population"
    assert labels["moincome1[2]"] == labels["sigma_mox1[3]"] == "simplex"


def test_priors():
    simplex = hm.prior("dirichlet(c(2, 1, 4))", class_="simo", coef="mox1")
    prior = [simplex, hm.prior("normal(0, 1)", coef="mox")]
    lines = prior_lines(hm.model("y ~ mo(x) + mo(income)", table(), prior=prior).spec)
    assert set(lines) >= {
        *("bsp_mox ~ normal(0, 1)", "simo_mox1 ~ dirichlet(2, 1, 4)"),
        *("bsp_moincome ~ (flat)", "simo_moincome1 ~ dirichlet(1, 1)"),
    }
    frame = hm.get_prior("y ~ mo(x)", table())
    assert set(frame.loc[frame["class"] == "simo", "coef"]) == {"", "mox1"}
    assert frame.loc[frame["class"] == "simo", "prior"].iloc[0] == "dirichlet(1)"


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "dirichlet(1, 2)": "2 arguments, and there are 3 steps",
        "dirichlet(-1)": "must be above 0",
        "normal(0, 1)": "the steps of a monotonic effect",
    }.items(),
)
def test_priors_that_a_simplex_cannot_have(text, message):
    with pytest.raises(PriorError, match=message):
        hm.model("y ~ mo(x)", table(), prior=hm.prior(text, class_="simo"))


def test_a_prior_without_a_monotonic_effect():
    with pytest.raises(PriorError, match=r"no monotonic effect mo\(x\)"):
        hm.model("y ~ z", table(), prior=hm.prior("dirichlet(1)", class_="simo"))


def test_no_climb_of_the_likelihood():
    with pytest.raises(HmlmError, match=r"write factor\(x\)"):
        hm.model("y ~ mo(x)", table()).fit(algorithm="ml")
