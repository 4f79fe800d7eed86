"""Priors as stated: by call, by dict, pasted from R; and the errors of what cannot be."""

import pytest

from hmlm.spec.distribution import FLAT
from hmlm.spec.prior import as_priors, prior, prior_text
from hmlm.types import Distribution, Prior, PriorError

from .affect_models import PRIORS

NORMAL = Distribution("normal", (0.0, 1.0))
EXPONENTIAL = Distribution("exponential", (1.0,))

PASTED = {
    "prior(normal(0, 1))": [Prior(NORMAL)],
    "prior(normal(0, 1), class = b, coef = steps.pm)": [Prior(NORMAL, coef="steps.pm")],
    "prior(normal(0, 1), coef = steps.pm:steps.pmd)": [Prior(NORMAL, coef="steps.pm:steps.pmd")],
    "prior(normal(0, 1), coef = steps.pm : steps.pmd)": [Prior(NORMAL, coef="steps.pm:steps.pmd")],
    'set_prior("normal(0,1)", class = "b")': [Prior(NORMAL)],
    "brms::prior('normal(0,1)', class='sd', group='a:b')": [Prior(NORMAL, "sd", group="a:b")],
    "prior(exponential(1), sd)": [Prior(EXPONENTIAL, "sd")],
    "prior(class = sd, prior = exponential(1), dpar=sigma)": [Prior(EXPONENTIAL, "sd", dpar="sigma")],
    'prior("", class = sigma)': [Prior(FLAT, "sigma")],
    "prior(normal(0, 1)) + prior(exponential(1), class = sd)": [Prior(NORMAL), Prior(EXPONENTIAL, "sd")],
    "c(prior(normal(0, 1)), # a, comment (\n  prior(exponential(1), class = sd))": [
        Prior(NORMAL),
        Prior(EXPONENTIAL, "sd"),
    ],
    "prior = c(prior(normal(0, 1))),\n": [Prior(NORMAL)],
    "my.priors <- c(set_prior('normal(0, 1)'))": [Prior(NORMAL)],
    'prior(normal(0, 1), coef = "a#b")': [Prior(NORMAL, coef="a#b")],
    "c()": [],
}

MALFORMED = {
    "normal(0, 1)": "expected prior(...), got normal(...); write prior(normal(...), class = b)",
    "prior(normal(0, 1), clas = b)": "no argument 'clas' here; did you mean 'class'?",
    "prior(normal(0, 1), class = b, lb = low)": "lb of a prior: 'low' is not a number",
    "prior(normal(0, 1), class = b, class = sd)": "'class' is given twice",
    "prior(class = b)": "has no 'prior'",
    "c(prior(normal(0, 1), class = b)": "never closed",
    "prior(normal(0, 1), class = B.)": "unknown prior class 'B.'",
    "prior(normal(0, 1)) prior(normal(0, 1))": "unexpected text after the closing bracket",
    "prior(normal(0, 1 2))": "'1 2' is not a number",
    "prior(norml(0, 1))": "did you mean 'normal'?",
    "": "expected a call",
}

CALLS = [
    (("normal(0, 1)", "intercept"), {}, "unknown prior class 'intercept'; did you mean 'Intercept'?"),
    (("normal(0, 1)", "Intercept"), {"coef": "x"}, "class 'Intercept' has no coef; it takes 'resp', 'dpar'"),
    (("normal(0, 1)", "b"), {"group": "id"}, "class 'b' has no group"),
    (("exponential(1)", "sigma"), {"dpar": "sigma"}, "class 'sigma' has no dpar"),
    (("lkj(2)", "rescor"), {"resp": "y"}, "it takes no other argument"),
    (("lkj(2)", "b"), {}, "lkj cannot be the prior of class 'b'"),
    (("normal(0, 1)", "cor"), {}, "normal cannot be the prior of class 'cor', a correlation matrix; use lkj"),
    (("", "cor"), {}, "lkj(1) is flat"),
    (("exponential(1)", "b"), {}, "priors that start at 0 are for class 'sd' or 'sigma'"),
    (("gamma(2, 1)", "Intercept"), {}, "gamma cannot be the prior of class 'Intercept'"),
    (("uniform(-2, -1)", "sd"), {}, "lies below 0"),
]


@pytest.mark.parametrize("text", PASTED)
def test_reads_what_was_pasted_from_r(text):
    assert list(as_priors(text)) == PASTED[text]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_r_is_explained(text):
    with pytest.raises(PriorError) as error:
        as_priors(text)
    assert MALFORMED[text] in str(error.value)


def test_the_caret_stays_in_its_line():
    with pytest.raises(PriorError) as error:
        as_priors("c(prior(normal(0, 1)),\n  prir(exponential(1)))")
    assert str(error.value).endswith("\n    prir(exponential(1)))\n    ^")


@pytest.mark.parametrize(("args", "fields", "message"), CALLS)
def test_a_prior_its_class_cannot_have_is_explained(args, fields, message):
    with pytest.raises(PriorError) as error:
        prior(*args, **fields)
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["uniform(-1, 5)", "normal(0, 1)", "", "lognormal(0, 1)"])
def test_standard_deviations_take_half_distributions(text):
    assert prior(text, "sd").class_ == "sd"


def test_reads_dicts_as_in_model_yaml():
    items = [
        {"prior": "normal(0, 1)", "class": "Intercept", "dpar": "sigma"},
        {"prior": "normal(0, 1)", "class": None, "coef": "x"},
        {"prior": "exponential(1)", "class_": "sd"},
    ]
    assert as_priors(items) == (
        Prior(NORMAL, "Intercept", dpar="sigma"),
        Prior(NORMAL, coef="x"),
        Prior(EXPONENTIAL, "sd"),
    )
    assert as_priors(items[0]) == (Prior(NORMAL, "Intercept", dpar="sigma"),)


def test_a_dict_with_a_wrong_key_is_explained():
    with pytest.raises(PriorError, match="no 'klass'; did you mean 'class'"):
        as_priors([{"prior": "normal(0, 1)", "klass": "b"}])


def test_none_one_and_many():
    one = prior("normal(0, 1)")
    assert as_priors(None) == ()
    assert as_priors(one) == (one,)
    assert as_priors([one, "prior(normal(0, 1))", {"prior": "normal(0, 1)"}]) == (one, one, one)


def test_what_is_no_prior_is_explained():
    with pytest.raises(PriorError, match="3.5 is not a prior; write hm.prior"):
        as_priors([3.5])


@pytest.mark.parametrize("name", PRIORS)
def test_published_priors_survive_their_own_text(name):
    stated = as_priors(PRIORS[name])
    assert as_priors(f"c({', '.join(map(prior_text, stated))})") == stated
