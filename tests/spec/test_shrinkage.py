"""Shrinkage priors as they are written, which coefficients they reach, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.density.constrained import constrained_names
from hmlm.spec.distribution import parse_distribution
from hmlm.spec.table import prior_lines
from hmlm.types import PriorError


def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(25, 5)), columns=[*"yvxwz"])


def shrinkage(formula, *priors, **kwargs):
    return [p.shrinkage for p in hm.model(formula, table(), prior=priors, **kwargs).spec.predictors]


WRITTEN = {
    "horseshoe()": (1, 1, 1, 2, 4, 0, 1),
    "horseshoe(3, 0.5)": (3, 0.5, 1, 2, 4, 0, 1),
    "horseshoe(df_slab = 5, df = 2)": (2, 1, 1, 2, 5, 0, 1),
    "horseshoe(1, par_ratio = 1/4, autoscale = FALSE)": (1, 1, 1, 2, 4, 0.25, 0),
    "horseshoe(par_ratio = NULL)": (1, 1, 1, 2, 4, 0, 1),
    "R2D2()": (0.5, 2, 1, 0.5),
    "R2D2(0.8, 10, cons_D2 = c(1, 2), autoscale = FALSE)": (0.8, 10, 0, 1, 2),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_arguments_by_position_or_name(text):
    found = parse_distribution(text)
    assert found.args == WRITTEN[text]
    again = parse_distribution(str(found))
    assert again == found and str(again) == str(found)


REFUSED = {
    "horseshoe(-1)": "df of horseshoe must be above 0, got -1",
    "horseshoe(slab = 2)": "no argument 'slab'",
    "horseshoe(1, df = 2)": "'df' is given twice",
    "horseshoe(autoscale = maybe)": "must be TRUE or FALSE",
    "R2D2(1)": "mean_R2 of R2D2 must be between 0 and 1",
    "R2D2(cons_D2 = c(1, 0))": "must be above 0",
    "R2D2(0.5, 2, 1, TRUE, 5)": "takes at most 4 arguments",
    "R2D2(x)": "mean_R2: 'x' is not a number",
}


@pytest.mark.parametrize("text", REFUSED)
def test_arguments_that_are_refused(text):
    with pytest.raises(PriorError, match=REFUSED[text]):
        hm.prior(text)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"coef": "x"}, "leave coef out"),
        ({"lb": 0}, "have no bounds"),
        ({"class_": "sd"}, "cannot be the prior of class 'sd'"),
        ({"class_": "Intercept"}, "cannot be the prior of class 'Intercept'"),
    ],
)
def test_what_it_cannot_be_the_prior_of(stated, message):
    with pytest.raises(PriorError, match=message):
        hm.prior("horseshoe()", **stated)


@pytest.mark.parametrize("formula", [hm.bf("y ~ x + w", center=False), "y ~ 0 + Intercept + x"])
def test_an_intercept_among_the_coefficients_needs_its_own_prior(formula):
    with pytest.raises(PriorError, match="reaches 'Intercept'"):
        hm.model(formula, table(), prior=hm.prior("horseshoe()"))
    own = hm.prior("normal(0, 5)", coef="Intercept")
    assert hm.model(formula, table(), prior=[hm.prior("horseshoe()"), own]).spec.predictors[0].shrinkage


def test_coefficients_with_a_prior_of_their_own_stay_out():
    (found,) = shrinkage("y ~ x + w + z", hm.prior("R2D2()"), hm.prior("normal(0, 1)", coef="w"))
    assert found.columns == (0, 2)
    assert found.args == (1.0, 1.0, 0.5, 0.5)


def test_a_ratio_of_coefficients_replaces_the_overall_scale():
    (found,) = shrinkage("y ~ x + w", hm.prior("horseshoe(scale_global = 3, par_ratio = 0.5)"))
    assert found.args == (1.0, 0.1, 1.0, 2.0, 4.0)


def test_sigma_scales_where_it_is_one_number():
    both = hm.prior("horseshoe()"), hm.prior("horseshoe()", dpar="sigma")
    assert shrinkage("y ~ x", both[0])[0].by_sigma
    assert not shrinkage("y ~ x", hm.prior("horseshoe(autoscale = FALSE)"))[0].by_sigma
    assert [one.by_sigma for one in shrinkage(hm.bf("y ~ x", sigma="~ w"), *both)] == [False, False]


def test_numbers_for_other_than_the_coefficients():
    with pytest.raises(PriorError, match="cons_D2 has 3 numbers for 2 coefficients"):
        shrinkage("y ~ x + w", hm.prior("R2D2(cons_D2 = c(1, 2, 3))"))


def test_names_as_brms_has_them():
    prior = [hm.prior("horseshoe()"), hm.prior("R2D2()", dpar="sigma")]
    spec = hm.model(hm.bf("y ~ x + w", sigma="~ z + w"), table(), prior=prior).spec
    assert constrained_names(spec)[-7:] == (
        *("hs_global", "hs_slab", "hs_local[1]", "hs_local[2]"),
        *("R2D2_R2_sigma", "R2D2_phi_sigma[1]", "R2D2_phi_sigma[2]"),
    )
    outcomes = hm.model(["y ~ x", "v ~ w"], table(), prior=hm.prior("horseshoe()", resp="v")).spec
    assert constrained_names(outcomes)[-3:] == ("hs_global_v", "hs_slab_v", "hs_local_v[1]")


def test_listed_among_the_priors():
    stated = hm.prior("horseshoe(1, par_ratio = 0.1)")
    frame = hm.get_prior("y ~ x + w", table(), prior=stated)
    of_class = frame[(frame["class"] == "b") & (frame["coef"] == "")]
    assert of_class["prior"].item() == str(stated.distribution)
    lines = prior_lines(hm.model("y ~ x + w", table(), prior=stated).spec)
    assert "b ~ horseshoe(df = 1, par_ratio = 0.1)" in lines


def test_as_r_writes_it():
    stated = hm.model("y ~ x + w", table(), prior="prior(horseshoe(df = 3), class = b)").spec
    assert stated.predictors[0].shrinkage.args[0] == 3
