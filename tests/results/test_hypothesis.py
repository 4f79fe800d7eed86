"""Hypotheses as text: what is read, what is refused, and the numbers."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from hmlm.results.expression import parse, parse_relation
from hmlm.types import HmlmError

from .fixed import effect, fixed_fit

DRAWS = np.arange(1.0, 21.0).reshape(2, 10)


def fit():
    draws = {
        "b_Intercept": DRAWS - 1.5,
        "b_steps.pm": DRAWS,
        "b_steps.pm:steps.pmd": DRAWS[::-1],
        "b_sigma_Intercept": np.log(DRAWS),
        "b_Ix>2TRUE": DRAWS,
        "sd_id__Intercept": DRAWS,
        "sd_id__x": 2 * DRAWS,
        "cor_id__Intercept__x": DRAWS / 40,
        "sigma": DRAWS,
    }
    values = np.stack([DRAWS, -DRAWS], axis=-1)[..., None]
    r_id = effect("r_id", "id", ("a,1", "b"), ("Intercept",), values)
    return fixed_fit(draws, {"id": ("a,1", "b")}, {"r_id": r_id})


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x", 3.0),
        ("2*x + y", 8.0),
        ("-x^2", -9.0),
        ("2 ** -y", 0.25),
        ("2^3^2", 512.0),
        ("(x - y) / 4", 0.25),
        ("a.b:c_d - .5", 4.5),
        ("exp(log(x)) - 1e0", 2.0),
        ("plogis(logit(0.25))", 0.25),
        ("abs(-x)-sqrt(4)", 1.0),
        ("`odd name!` + r_id[a b,x]", 13.0),
        ("x-y-1", 0.0),
        ("+x - -y", 5.0),
    ],
)
def test_arithmetic(text, value):
    values = {"x": 3, "y": 2, "a.b:c_d": 5, "odd name!": 6, "r_id[a b,x]": 7}
    np.testing.assert_allclose(parse(text).evaluate(values), value, rtol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x y",
        "2x",
        "x +",
        "(x",
        "x)",
        "x, y",
        "x[0][1]",
        "exp()",
        "exp(x)(y)",
        "x // y",
        "x * * y",
        "'x'",
        "x; y",
        "lambda: x",
        "x < y",
        "x if y else z",
        "__import__('os')",
        "open(x)",
        "x.__class__()",
        "1e999",
        "(" * 300 + "x" + ")" * 300,
        "-" * 1500 + "x",
        "x + " * 1000 + "x",
    ],
)
def test_nothing_but_arithmetic_is_read(text):
    with pytest.raises(HmlmError):
        parse(text)


def test_errors_point_and_suggest():
    with pytest.raises(
        HmlmError, match=r"no function 'expp'; did you mean 'exp'\?\n  1 \+ expp\(x\)\n      \^"
    ):
        parse("1 + expp(x)")
    with pytest.raises(HmlmError, match="`>=` is not one of = < >"):
        parse_relation("x >= 0")


@pytest.mark.parametrize("text", ["x", "x > 0 > y", "x > 0, y > 0"])
def test_a_hypothesis_has_one_sign(text):
    with pytest.raises(HmlmError):
        parse_relation(text)


# --- testing --------------------------------------------------------------------------------------


def test_one_sided():
    found = fit().hypothesis("steps.pm > 2.5")
    row = found.table.loc["(steps.pm)-(2.5) > 0"]
    draws = DRAWS.ravel() - 2.5
    assert row["Evid.Ratio"] == 9.0
    assert row["Post.Prob"] == 0.9
    assert row["Star"] == ""
    assert row["Estimate"] == draws.mean()
    assert row["Est.Error"] == draws.std(ddof=1)
    np.testing.assert_allclose([row["CI.Lower"], row["CI.Upper"]], np.quantile(draws, [0.05, 0.95]))
    assert found.draws.dims == ("chain", "draw", "hypothesis")


def test_the_other_side_and_its_star():
    row = fit().hypothesis("Intercept < 18", alpha=0.1).table.iloc[0]
    assert (row["Evid.Ratio"], row["Post.Prob"], row["Star"]) == (19.0, 0.95, "*")
    sure = fit().hypothesis("Intercept < 100").table.iloc[0]
    assert (sure["Evid.Ratio"], sure["Post.Prob"], sure["Star"]) == (np.inf, 1.0, "*")
    never = fit().hypothesis("Intercept > 100").table.iloc[0]
    assert (never["Evid.Ratio"], never["Post.Prob"], never["Star"]) == (0.0, 0.0, "")


def test_two_sided():
    inside, outside = fit().hypothesis(["steps.pm = 10", "steps.pm = 0"]).table.itertuples(index=False)
    assert np.isnan(inside[4]) and np.isnan(inside[5])
    assert (inside[6], outside[6]) == ("", "*")
    np.testing.assert_allclose([inside[2], inside[3]], np.quantile(DRAWS - 10, [0.025, 0.975]))


def test_interactions_sigma_and_odd_names():
    table = (
        fit()
        .hypothesis(["steps.pm - steps.pm:steps.pmd = 0", "exp(sigma_Intercept) > 10.5", "`Ix>2TRUE` > 0"])
        .table
    )
    assert table["Estimate"].tolist() == pytest.approx([0.0, 0.0, 10.5])
    assert table["Post.Prob"].tolist()[1:] == [0.5, 1.0]


def test_classes():
    assert fit().hypothesis("x > 2*Intercept - 1", class_="sd", group="id").table["Estimate"].iloc[0] == 1.0
    cor = fit().hypothesis("Intercept__x < 0.25", class_="cor", group="id").table
    assert cor["Post.Prob"].iloc[0] == 9 / 20
    full = fit().hypothesis("sigma^2 > sd_id__Intercept * b_steps.pm - 1", class_=None).table
    assert full["Post.Prob"].iloc[0] == 1.0


def test_single_effects():
    table = fit().hypothesis(["r_id[a,1,Intercept] > 10", "r_id[b,Intercept] > 0"], class_=None).table
    assert table["Post.Prob"].tolist() == [0.5, 0.0]


def test_names():
    assert list(fit().hypothesis({"walkers": "steps.pm > 0"}).table.index) == ["walkers"]


def test_print():
    text = repr(fit().hypothesis({"": "steps.pm > 2.5", "slow": "steps.pm = 0"}))
    assert text == textwrap.dedent("""\
        Hypothesis Tests for class b:
                               Estimate Est.Error CI.Lower CI.Upper Evid.Ratio Post.Prob Star
        1 (steps.pm)-(2.5) > 0     8.00      5.92    -0.55    16.55       9.00      0.90
        2 slow                    10.50      5.92     1.48    19.52         NA        NA    *
        ---
        'CI': 90%-CI for one-sided and 95%-CI for two-sided hypotheses.
        '*': one-sided, the posterior probability exceeds 95%; two-sided, the value tested is outside the CI.
        Evid.Ratio is NA for two-sided hypotheses: it needs draws of the prior, and a fit has none.""")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("step.pm > 0", {}, "no parameter 'b_step.pm'; did you mean 'steps.pm'"),
        ("sigma > 0", {}, "there is 'sigma': say class_=None"),
        ("zzz > 0", {"class_": "sd", "group": "id"}, "no parameter 'sd_id__zzz'; there are Intercept, x"),
        ("x > 0", {"class_": "sd", "group": "idd"}, "group: no grouping factor 'idd'; did you mean 'id'"),
        ("x > 0", {"group": "id"}, "class_='sd' or class_='cor'"),
        ("x > 0", {"class_": "simo"}, "no parameter starts with 'simo_'"),
        ("r_id[c,Intercept] > 0", {"class_": None}, "no level of 'id' 'c'"),
        ("r_id[b,x] > 0", {"class_": None}, "no term 'x'"),
        ("log(Intercept) > 0", {}, r"undefined \(NaN\) in 1 of 20 draws"),
        ("steps.pm > 0", {"alpha": 0.5}, "between 0 and 0.5"),
        ([], {}, "one or more hypotheses"),
        ([1], {}, "as text"),
    ],
)
def test_errors_teach(text, options, message):
    with pytest.raises(HmlmError, match=message):
        fit().hypothesis(text, **options)
