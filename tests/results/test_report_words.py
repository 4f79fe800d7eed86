"""A model in words and in mathematics: what is said is what the formula says."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.results.report.mathematics import model_parts
from hmlm.results.report.priors import DEFAULT, STATED, central, prior_rows
from hmlm.results.report.words import count, kind, notation, sentence
from hmlm.spec.support import Support
from hmlm.spec.table import PriorInForce
from hmlm.types import Distribution

from .test_prediction import MODELS, made_up_table


def model(name, prior=None):
    return hm.model(MODELS[name], made_up_table(), prior=prior)


def columns(stated):
    return tuple(outcome.column for outcome in stated.design.outcomes)


def mathematics(stated):
    """By title the MathML of a part, read as XML."""
    parts = model_parts(stated.spec, columns(stated))
    return {part.title: ElementTree.fromstring(part.mathml) for part in parts}


def lines(stated, title):
    """The rows of a part as text, without the commas' space."""
    table = mathematics(stated)[title].find("mtable")
    return ["".join(row.itertext()) for row in table.findall("mtr")]


@pytest.mark.parametrize("name", MODELS)
def test_mathematics_is_well_formed_and_whole(name):
    stated = model(name)
    parts = mathematics(stated)
    wanted = ["Likelihood", "Linear predictors", "Group effects", "Priors"]
    assert list(parts) == [title for title in wanted if title != "Group effects" or stated.spec.blocks]
    assert all(part.tag == "math" and part.get("display") == "block" for part in parts.values())
    letters = {text.strip() for part in parts.values() for text in part.itertext()}
    assert "" not in {element.tag for part in parts.values() for element in part.iter()} and "β" in letters


def test_a_linear_model_in_symbols():
    stated = model("one", "prior(exponential(2), class = sd)")
    assert lines(stated, "Likelihood") == ["yi∼Normal(μi,σ)"]
    assert lines(stated, "Linear predictors") == ["μi=β0+β1xi+β2kindbi+β3kindci+u0,j[i]+u1,j[i]xi"]
    assert lines(stated, "Group effects") == ["u0,ju1,j∼Normal(0,Σ)", "Σ=TRT", "T=diag(τu0,τu1)"]
    intercept, slopes, spread, correlation, sigma = lines(stated, "Priors")
    assert intercept.startswith("β0+∑kβkx¯k∼Student-t(3,")
    assert slopes == "p(β1,β2,β3)∝1"
    assert (spread, correlation) == ("τu0,τu1∼Exponential(2)", "R∼LKJ(1)")
    assert sigma.startswith("σ∼Student-t+(3,0,")


def test_effects_are_numbered_like_their_coefficients_and_scale_has_its_own_letters():
    assert lines(model("scale"), "Linear predictors") == [
        "μi=β0+β1xi+u0,j[i]+u1,j[i]xi",
        "logσi=γ0+γ1xi+v0,j[i]",
    ]
    assert lines(model("scale"), "Likelihood") == ["yi∼Normal(μi,σi)"]
    assert lines(model("scale"), "Group effects")[0] == "u0,ju1,jv0,j∼Normal(0,Σ)"


def test_outcomes_and_factors_are_told_apart_by_marks():
    assert lines(model("outcomes"), "Linear predictors") == [
        "μi(y)=β0(y)+β1(y)xi+u0,j[i](y)",
        "μi(z.z)=β0(z.z)+u0,j[i](z.z)+u1,j[i](z.z)xi",
    ]
    joint = lines(model("outcomes"), "Likelihood")
    assert joint == ["yiz.zi∼Multivariate Normal(μi(y)μi(z.z),S)", "S=DRresD", "D=diag(σ(y),σ(z.z))"]
    crossed = lines(model("crossed"), "Group effects")
    assert crossed[:2] == ["u0,j(g)∼Normal(0,τu0(g))", "u0,k(h)∼Normal(0,τu0(h))"]


def test_long_predictors_are_broken_at_their_sums():
    table = made_up_table().assign(
        **{f"a_rather_long_name_{i}": made_up_table(seed=i)["x"] for i in range(7)}
    )
    stated = hm.model("y ~ " + " + ".join(c for c in table if c.startswith("a_")), table)
    found = lines(stated, "Linear predictors")
    assert len(found) > 1 and found[0].startswith("μi=β0+β1") and found[1].startswith("+β")
    assert "".join(found).count("+") == 7


def test_the_model_in_one_sentence():
    stated = model("scale")
    assert kind(stated.spec) == "mixed-effects location scale model"
    assert sentence(stated.spec, ("y",), 80) == (
        "In 80 rows, y is normally distributed around its mean; the mean of y depends on x, with an "
        "intercept and a slope of x that vary by g (6 levels); the residual standard deviation of y, on the "
        "log scale, depends on x, with an intercept that varies by g (6 levels); the three varying "
        "coefficients of g are correlated."
    )
    assert kind(model("no groups").spec) == "linear regression"
    assert "the interaction of x and kindb" in sentence(model("no groups").spec, ("y",), 80)
    assert kind(model("outcomes").spec) == "multivariate linear multilevel model"
    assert "the residuals of y and z.z are correlated" in sentence(model("outcomes").spec, ("y", "z.z"), 80)


def test_standard_deviations_that_depend_on_covariates_of_levels():
    table = made_up_table().assign(age=lambda t: t.g**2.0)
    formula = hm.bf("y ~ x + (1 + x | c | g)", sigma="~ (1 | c | g)", sd={"g": "~ age"})
    stated = hm.model(formula, table, prior=hm.prior("normal(0, 1)", dpar="sd_g"))
    assert lines(stated, "Group effects") == [
        "u0,ju1,jv0,j∼Normal(0,Σj)",
        "Σj=TjRTj",
        "Tj=diag(τu0,j,τu1,j,τv0)",
        "logτu0,j=logτu0+ζ1(agej−age¯)",
        "logτu1,j=logτu1+ζ1(agej−age¯)",
    ]
    assert "ζ1∼Normal(0,1)" in lines(stated, "Priors")
    text = sentence(stated.spec, ("y",), 80)
    assert "how much the intercept and the slope of x vary by g depends, on the log scale, on age" in text
    sources = {row.name: row.source for row in prior_rows(stated.spec, stated.design)}
    assert sources["b_sd_g_age"] == STATED


def test_symbols_are_explained():
    stated = model("one")
    notes = notation(stated.spec, stated.design)
    assert notes[0] == "i = 1, …, 80 counts rows; j[i] is the level of g in row i, j = 1, …, 6."
    assert "kindb is 1 where kind is b, else 0 (reference: a)." in notes


def test_large_counts_are_spaced():
    assert [count(n) for n in (0, 1200, 13033, 1234567)] == [
        "0",
        "1200",
        "13\u202f033",
        "1\u202f234\u202f567",
    ]


def test_priors_know_who_stated_them():
    stated = model("one", "c(prior(normal(0, 1), class = b), prior(lkj(2), class = cor))")
    sources = {row.name: row.source for row in prior_rows(stated.spec, stated.design)}
    assert sources == {
        "b_Intercept": DEFAULT,
        "b": STATED,
        "sd_g": DEFAULT,
        "cor_g": STATED,
        "sigma": DEFAULT,
    }


@pytest.mark.parametrize(
    ("distribution", "support", "size", "limits"),
    [
        (Distribution("normal", (1.0, 2.0)), Support.REAL, 0, (1 - 3.92, 1 + 3.92)),
        (Distribution("normal", (0.0, 1.0)), Support.POSITIVE, 0, (0.0313, 2.2414)),
        (Distribution("normal", (0.0, 1.0), lb=0.0), Support.REAL, 0, (0.0313, 2.2414)),
        (Distribution("normal", (0.0, 1.0), lb=-1.0, ub=1.0), Support.REAL, 0, (-0.9318, 0.9318)),
        (Distribution("exponential", (2.0,)), Support.POSITIVE, 0, (0.01266, 1.8444)),
        (Distribution("uniform", (0.0, 4.0)), Support.POSITIVE, 0, (0.1, 3.9)),
        (Distribution("gamma", (1.0, 2.0)), Support.POSITIVE, 0, (0.01266, 1.8444)),
        (Distribution("lognormal", (0.0, 1.0)), Support.POSITIVE, 0, (0.14086, 7.0993)),
        (Distribution("beta", (1.0, 1.0)), Support.UNIT, 0, (0.025, 0.975)),
        (Distribution("lkj", (1.0,)), Support.REAL, 2, (-0.95, 0.95)),
    ],
)
def test_central_intervals_of_priors(distribution, support, size, limits):
    assert central(PriorInForce("a", distribution, support, size)) == pytest.approx(limits, rel=2e-3)


def test_a_flat_prior_has_no_interval():
    assert central(PriorInForce("b", Distribution("flat"))) is None


def test_by_variables_and_monotonic_effects():
    data = pd.DataFrame({"g": np.repeat(np.arange(6), 5), "x": np.arange(30) % 3, "y": np.sin(np.arange(30))})
    data["half"] = np.where(data["g"] % 2, "odd", "even")
    stated = hm.model("y ~ mo(x) + (1 | gr(g, by = half))", data)
    said = sentence(stated.spec, columns(stated), 30)
    assert "depends on the level of x, monotonically" in said
    assert "an intercept that varies by g (halfeven, 3 levels)" in said
    assert "halfodd is 1 where half is odd, else 0" in " ".join(notation(stated.spec, stated.design))
    (predictor,) = [line for line in lines(stated, "Linear predictors") if "mox" in line]
    assert "3∑" not in predictor
    assert "2∑k≤xi" in predictor
    assert any("Dirichlet" in line for line in lines(stated, "Priors"))


@pytest.mark.parametrize(
    ("term", "said", "symbols"),
    [
        ("cosy(gr = g)", "any two residuals of a series have the same correlation", "cor(yi,yi′)=cosy"),
        ("unstr(t, g)", "at 2 occasions are correlated", "cor(yi,yi′)=Rtime,t,t′"),
    ],
)
def test_residuals_of_series(term, said, symbols):
    table = pd.DataFrame({"y": [0.1, 0.4, 0.2, 0.9], "t": [1, 2, 1, 2], "g": [1, 1, 2, 2]})
    stated = hm.model(f"y ~ 1 + {term}", table)
    assert said in sentence(stated.spec, ("y",), 4)
    assert symbols in [line.replace(" ", "") for line in lines(stated, "Likelihood")]
    assert any(
        "residuals of one series" in n or "index “time”" in n for n in notation(stated.spec, stated.design)
    )
