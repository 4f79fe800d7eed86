"""Texts of distributions: what they mean, and what the errors of malformed ones teach."""

import math

import pytest

from hmlm.spec.distribution import DISTRIBUTIONS, FLAT, kind_of, parse_distribution, typical_scale
from hmlm.types import Distribution, PriorError

VALID = {
    "normal(0, 0.2)": Distribution("normal", (0.0, 0.2)),
    "normal(0,1)": Distribution("normal", (0.0, 1.0)),
    " normal ( -1 , +2 ) ": Distribution("normal", (-1.0, 2.0)),
    "normal(log(2), 1/2)": Distribution("normal", (math.log(2), 0.5)),
    "normal((1 + 2) * 3, 1e-3)": Distribution("normal", (9.0, 1e-3)),
    "student_t(3, 0, 2.5)": Distribution("student_t", (3.0, 0.0, 2.5)),
    "cauchy(0, 1)": Distribution("cauchy", (0.0, 1.0)),
    "exponential(1)": Distribution("exponential", (1.0,)),
    "gamma(2, 0.1)": Distribution("gamma", (2.0, 0.1)),
    "uniform(-1, 1)": Distribution("uniform", (-1.0, 1.0)),
    "lognormal(-1, 0.5)": Distribution("lognormal", (-1.0, 0.5)),
    "lkj(2)": Distribution("lkj", (2.0,)),
    "lkj_corr_cholesky(2)": Distribution("lkj", (2.0,)),
    "": FLAT,
    "flat": FLAT,
    "(flat)": FLAT,
}

INVALID = {
    "normal(0, 1, 2)": "normal takes 2 arguments (mu, sigma), got 3",
    "exponential()": "exponential takes 1 argument (rate), got 0",
    "norml(0, 1)": "unknown distribution 'norml'; did you mean 'normal'?",
    "wishart(3)": "available: normal, student_t",
    "normal(0, -1)": "sigma of normal(mu, sigma) must be above 0, got -1",
    "student_t(0, 0, 1)": "nu of student_t(nu, mu, sigma) must be above 0",
    "lkj(0)": "eta of lkj(eta) must be above 0",
    "uniform(1, 1)": "uniform needs lower < upper, got 1 and 1",
    "normal(0, x)": "'x' is not a number",
    "normal(0, True)": "'True' is not a number",
    "normal(0, 1/0)": "'1/0' is not a number",
    "normal(0, 9**9)": "'9**9' is not a number",
    "normal(0, exp(1e9))": "is not a number",
    "normal(0, 1e999)": "'1e999' is not finite",
    "normal(0, __import__('os'))": "is not a number",
    "normal(mu=0, sigma=1)": "arguments go by position: normal(mu, sigma)",
    "normal(0, )": "an argument is missing here",
    "normal(0 1)": "'0 1' is not a number",
    "normal(0, 1": "this bracket is never closed",
    "normal(0, 1))": "unexpected text after the closing bracket",
    "normal": "expected a call like normal(0, 1)",
    "0.5": "expected a call like normal(0, 1)",
}


@pytest.mark.parametrize("text", VALID)
def test_parses(text):
    assert parse_distribution(text) == VALID[text]


@pytest.mark.parametrize("text", INVALID)
def test_malformed_text_is_explained(text):
    with pytest.raises(PriorError) as error:
        parse_distribution(text)
    assert INVALID[text] in str(error.value)


@pytest.mark.parametrize(
    ("text", "pointed"),
    [("normal(0, -1)", "-1)"), ("norml(0, 1)", "norml"), ("normal(0, 1) + 2", "+ 2"), ("normal(0, )", ")")],
)
def test_the_caret_points_at_the_culprit(text, pointed):
    with pytest.raises(PriorError) as error:
        parse_distribution(text)
    line, caret = str(error.value).splitlines()[-2:]
    assert line[caret.index("^") :].startswith(pointed)


@pytest.mark.parametrize("text", [text for text in VALID if text.strip() and "flat" not in text])
def test_typical_scale_is_finite_and_positive(text):
    scale = typical_scale(parse_distribution(text))
    assert scale is not None
    assert math.isfinite(scale)
    assert scale > 0


def test_flat_has_no_scale():
    assert typical_scale(FLAT) is None


def test_text_of_a_distribution_parses_back():
    for text in VALID:
        distribution = parse_distribution(text)
        assert parse_distribution(str(distribution)).args == pytest.approx(distribution.args, rel=1e-5)


def test_table_is_keyed_by_name():
    assert all(kind.name == name for name, kind in DISTRIBUTIONS.items())
    assert kind_of(Distribution("lkj", (2.0,))).support == "corr"
