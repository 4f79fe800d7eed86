"""Predictors of standard deviations between groups: names, priors, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.spec.names import summary_rows
from hmlm.spec.table import prior_lines
from hmlm.types import DataError, PriorError

from ..helpers import DESIGNS, stated, with_covariates


def spec_of(formula, prior=None, table=None):
    return hm.model(formula, with_covariates(0) if table is None else table, prior=prior).spec


def names(spec):
    return [row.variable for row in summary_rows(spec) if row.variable.startswith("b_sd_")]


def test_names_of_draws_and_their_labels():
    assert names(stated("between").spec) == ["b_sd_g_age"]
    assert names(stated("between_one").spec) == ["b_sd_g__x_sexm"]
    assert names(stated("between_scale").spec) == ["b_sd_g_age", "b_sd_g__sigma_Intercept_sexm"]
    assert names(stated("between_outcomes").spec) == ["b_sd_g_y_age", "b_sd_g_v_sexm"]
    (row,) = [row for row in summary_rows(stated("between").spec) if row.variable == "b_sd_g_age"]
    assert (row.label, row.section, row.group) == ("sd_g_age", "group", "g")


def test_the_shared_formula_is_of_effects_on_the_mean_only():
    spec = stated("between_scale").spec
    (block,) = spec.blocks
    shared, own = spec.sds
    dpars = lambda part: {spec.predictors[block.terms[q].predictor].dpar for _, q in part.terms}
    assert (len(shared.terms), dpars(shared), dpars(own)) == (2, {"mu"}, {"sigma"})


def test_priors_are_those_of_class_b_with_the_parameters_name():
    formula = hm.bf("y ~ x + (1 | g) + (1 | h)", sd={"g": "~ age + sex", "h": "~ size"})
    prior = [
        hm.prior("normal(0, 9)", "b"),
        hm.prior("normal(0, 1)", "b", dpar="sd_g"),
        hm.prior("normal(0, 2)", "b", dpar="sd_g", coef="sexm"),
    ]
    assert [line for line in prior_lines(spec_of(formula, prior)) if line.startswith("b_sd")] == [
        "b_sd_g_age ~ normal(0, 1)",
        "b_sd_g_sexm ~ normal(0, 2)",
        "b_sd_h_size ~ (flat)",
    ]
    table = hm.get_prior(formula, with_covariates(0), prior=prior)
    rows = table[table["dpar"] == "sd_g"][["prior", "class", "coef"]].to_numpy().tolist()
    assert rows == [["normal(0, 1)", "b", ""], ["", "b", "age"], ["normal(0, 2)", "b", "sexm"]]


def test_a_prior_for_what_has_no_formula_lists_what_there_is():
    with pytest.raises(PriorError, match=r"no dpar 'sd_gg' in class 'b', only .*'?sd_g'?"):
        spec_of(DESIGNS["between"].formula, hm.prior("normal(0, 1)", "b", dpar="sd_gg"))


def test_covariates_that_depend_on_each_other_need_proper_priors():
    table = with_covariates(0).assign(older=lambda t: t.age + 1)
    formula = hm.bf("y ~ (1 | g)", sd={"g": "~ age + older"})
    with pytest.raises(DataError, match=r"'age', 'older' of sd\(g\) depend on .*dpar=\"sd_g\""):
        spec_of(formula, table=table)
    with pytest.warns(hm.DataWarning, match="only their priors tell them apart"):
        spec_of(formula, hm.prior("normal(0, 1)", "b", dpar="sd_g"), table)


def test_as_many_covariates_as_levels_need_proper_priors():
    table = pd.DataFrame({"y": np.arange(6.0), "g": list("aabbcc"), "k": list("ppqqrr")})
    table = table.assign(age=[1.0, 1, 3, 3, 2, 2])
    with pytest.raises(DataError, match=r"sd\(g\) has 3 covariates but 'g' only 3 levels"):
        spec_of(hm.bf("y ~ (1 | g)", sd={"g": "~ k + age"}), table=table)
