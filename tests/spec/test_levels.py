"""Families of levels: what their outcomes may be, and the parameters and priors that levels bring."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.spec.names import summary_rows
from hmlm.types import DataError, DataWarning, FormulaError, HmlmError, PriorError

N = 24
CODES = np.arange(N) % 4
ORDERED = ("lo", "mid", "hi")


def table(y) -> pd.DataFrame:
    rng, n = np.random.default_rng(2), len(y)
    return pd.DataFrame({"y": y, "x": rng.normal(size=n), "g": np.arange(n) // 4, "z": np.arange(n) % 4})


def model(y, family="cumulative", formula="y ~ x + (1 | g)", **options) -> hm.Model:
    return hm.model(formula, table(y), family=family, **options)


def names(stated: hm.Model) -> list[str]:
    return [row.variable for row in summary_rows(stated.spec)]


@pytest.mark.parametrize(
    ("y", "levels"),
    [
        (CODES + 1, ("1", "2", "3", "4")),
        (CODES - 1.0, ("-1", "0", "1", "2")),
        (np.array(["b", "a", "D", "c"])[CODES], ("a", "b", "c", "D")),
        (CODES > 1, ("FALSE", "TRUE")),
        (
            pd.Categorical(np.array(["lo", "mid", "hi", "mid"])[CODES], ["lo", "mid", "hi"]),
            ("lo", "mid", "hi"),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:outcome 'y' is text")
@pytest.mark.parametrize("family", ["cumulative", "categorical"])
def test_levels_of_numbers_text_truth_and_categories(y, levels, family):
    stated = model(y, family)
    outcome = stated.design.outcomes[0]
    assert outcome.levels == stated.spec.family.levels == levels
    assert set(outcome.values) == set(range(len(levels)))
    assert (
        len(stated.spec.predictors if family == "categorical" else stated.spec.thresholds) == len(levels) - 1
    )


def test_unused_categories_and_gaps_are_dropped_and_said():
    unused = pd.Categorical(np.array(["lo", "hi"])[CODES % 2], ["lo", "mid", "hi"], ordered=True)
    with pytest.warns(DataWarning, match="no row has the category 'mid'"):
        assert model(unused).spec.family.levels == ("lo", "hi")
    with pytest.warns(DataWarning, match="never '3'"):
        assert model(np.array([1, 2, 4, 5])[CODES]).spec.family.levels == ("1", "2", "4", "5")


def test_text_is_ordered_as_text_and_said():
    with pytest.warns(DataWarning, match="order hi < lo < mid; for another one"):
        assert model(np.array(ORDERED)[CODES % 3]).spec.family.levels == ("hi", "lo", "mid")


def test_thresholds_are_intercepts():
    stated = model(CODES + 1)
    cuts = ["b_Intercept[1]", "b_Intercept[2]", "b_Intercept[3]"]
    assert names(stated) == ["sd_g__Intercept", *cuts, "b_x"]
    labels = [row.label for row in summary_rows(stated.spec)]
    assert labels[1:4] == ["Intercept[1]", "Intercept[2]", "Intercept[3]"]
    assert set(stated.log_density.names) == set(names(stated))
    assert all(str(c.prior) == "student_t(3, 0, 2.5)" for c in stated.spec.thresholds)


def test_disc_is_one_unless_it_has_a_formula():
    assert "disc" not in " ".join(names(model(CODES)))
    own = model(CODES, formula=hm.bf("y ~ x", disc="~ 0 + x"))
    assert "b_disc_x" in names(own)


def test_every_category_but_the_first_has_a_predictor():
    text = np.array(["A", "B b", "C", "D"])[CODES]
    stated = model(text, "categorical", hm.bf("y ~ x + (1 | g)", muC="~ 1 + (1 + x | g)"))
    assert set(names(stated)) == {
        *("sd_g__muBb_Intercept", "sd_g__muC_Intercept", "sd_g__muC_x", "sd_g__muD_Intercept"),
        "cor_g__muC_Intercept__muC_x",
        *("b_muBb_Intercept", "b_muC_Intercept", "b_muD_Intercept", "b_muBb_x", "b_muD_x"),
    }
    assert len(stated.spec.blocks) == 3
    shared = model(text, "categorical", "y ~ x + (1 |c| g)")
    assert [block.size for block in shared.spec.blocks] == [3]


def test_priors_of_single_thresholds_beat_those_of_all():
    priors = [
        hm.prior("normal(-1, 1)", class_="Intercept", coef="1"),
        hm.prior("normal(0, 4)", class_="Intercept"),
    ]
    stated = model(CODES, prior=priors)
    assert [str(c.prior) for c in stated.spec.thresholds] == ["normal(-1, 1)", "normal(0, 4)", "normal(0, 4)"]
    listed = hm.get_prior("y ~ x", table(CODES), family="cumulative", prior=priors)
    own = listed[listed["class"] == "Intercept"].set_index("coef")["prior"]
    assert dict(own) == {"": "normal(0, 4)", "1": "normal(-1, 1)", "2": "", "3": ""}


def test_priors_of_categories_by_dpar():
    prior = hm.prior("normal(0, 1)", class_="b", dpar="mu2")
    stated = model(CODES, "categorical", "y ~ x", prior=prior)
    assert [str(p.priors[0]) for p in stated.spec.predictors] == ["(flat)", "normal(0, 1)", "(flat)"]
    with pytest.raises(PriorError, match="dpar = one of 'mu1'"):
        model(CODES, "categorical", "y ~ x", prior=hm.prior("normal(0, 1)"))


@pytest.mark.parametrize(
    ("error", "match", "options"),
    [
        (DataError, "0.5 in a row", {"y": CODES + 0.5}),
        (FormulaError, "thresholds where other families have an intercept", {"formula": "y ~ 0 + x"}),
        (FormulaError, "takes one outcome", {"formula": hm.bf("y ~ x") + hm.bf("z ~ x")}),
        (PriorError, "no bounds", {"prior": hm.prior("uniform(-9, 9)", class_="Intercept")}),
        (PriorError, "no coef '4'", {"prior": hm.prior("normal(0, 1)", class_="Intercept", coef="4")}),
        (HmlmError, "no link 'cauchit'", {"family": "cumulative(cauchit)"}),
        (FormulaError, "no parameter 'mu9'", {"family": "categorical", "formula": hm.bf("y ~ x", mu9="~ 1")}),
        (DataError, "takes up to 100", {"y": np.arange(120.0), "family": "categorical"}),
        (DataError, "names of their own", {"family": "categorical", "y": CODES * 2 - 4}),
    ],
)
def test_errors_say_what_is_allowed(error, match, options):
    given = {"y": CODES} | options
    with pytest.warns(DataWarning) if "names" in match else nullcontext(), pytest.raises(error, match=match):
        model(given.pop("y"), **given)
