"""From text to population-level part, group-level terms and terms of the algebra."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmlm.formula.algebra import read_terms
from hmlm.formula.grammar import parse_formula
from hmlm.formula.parser import parse
from hmlm.types import FormulaError, GroupTerm

TERMS = {
    "1": ["1"],
    "0": [],
    "-1": [],
    "a": ["1", "a"],
    "0 + a": ["a"],
    "a + 0": ["a"],
    "a - 1": ["a"],
    "-1 + a": ["a"],
    "a + b + a": ["1", "a", "b"],
    "a * b": ["1", "a", "b", "a:b"],
    "a:b": ["1", "a:b"],
    "a/b": ["1", "a", "a:b"],
    "a/(b + c)": ["1", "a", "a:b", "a:c"],
    "a*b*c": ["1", "a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"],
    "(a + b + c)^2": ["1", "a", "b", "c", "a:b", "a:c", "b:c"],
    "(a + b)**2": ["1", "a", "b", "a:b"],
    "a*b - a": ["1", "b", "a:b"],
    "a*b - a:b": ["1", "a", "b"],
    "b + a + a:b": ["1", "b", "a", "b:a"],
    "a:b + a": ["1", "a", "a:b"],
    "a:a": ["1", "a"],
    "I(a^2) + log(b):a": ["1", "I(a^2)", "log(b):a"],
    "steps.pm*steps.pmd": ["1", "steps.pm", "steps.pmd", "steps.pm:steps.pmd"],
    "`a b` + `+`": ["1", "`a b`", "`+`"],
    "0 + Intercept + a": ["Intercept", "a"],
}

GROUPS = {
    "(1|g)": [("1", "g", None, True)],
    "(x|g)": [("x", "g", None, True)],
    "( 0+x | g )": [("0 + x", "g", None, True)],
    "(x||g)": [("x", "g", None, False)],
    "(1|a/b)": [("1", "a", None, True), ("1", "a:b", None, True)],
    "(1|a/b/c)": [("1", "a", None, True), ("1", "a:b", None, True), ("1", "a:b:c", None, True)],
    "(1|a:b)": [("1", "a:b", None, True)],
    "(1|a:b/c)": [("1", "a:b", None, True), ("1", "a:b:c", None, True)],
    "(1|c|id)": [("1", "id", "c", True)],
    "(1 + x |2| id)": [("1 + x", "id", "2", True)],
    "(1|p|a/b)": [("1", "a", "p", True), ("1", "a:b", "p", True)],
    "(1|a) + (0 + x|a) + (x*z|b)": [
        ("1", "a", None, True),
        ("0 + x", "a", None, True),
        ("x * z", "b", None, True),
    ],
}

SPLIT = {
    "y ~ (1|g)": ("1", "(1 | g)"),
    "y ~ 0 + (1|g)": ("0", "0 + (1 | g)"),
    "y ~ (1|g) - 1": ("-1", "(1 | g) - 1"),
    "y ~ 1+day+( 1+day|c|id )": ("1 + day", "1 + day + (1 + day | c | id)"),
    "y ~ x + (1|g) + z": ("x + z", "x + (1 | g) + z"),
    "y ~ steps.pm*steps.pmd": ("steps.pm * steps.pmd", "steps.pm * steps.pmd"),
    "y ~ steps.pm : steps.pmd": ("steps.pm:steps.pmd", "steps.pm:steps.pmd"),
    "y ~ poly( x,2 ,raw=TRUE ) + I(x ^ 2 - 1)": ("poly(x, 2, raw = TRUE) + I(x^2 - 1)",) * 2,
    "y ~ x + # location\n  z # and more": ("x + z", "x + z"),
}


def labels(text: str) -> list[str]:
    terms = read_terms(text)
    first = ["Intercept" if terms.reserved else "1"] if terms.intercept else []
    return first + [":".join(str(terms.atoms[i]) for i in product) for product in terms.products]


@pytest.mark.parametrize("text", TERMS)
def test_terms(text):
    assert labels(text) == TERMS[text]


@pytest.mark.parametrize("text", GROUPS)
def test_group_terms(text):
    _, predictor = parse_formula(f"y ~ x + {text}")
    found = [(t.expression, t.factor, t.label, t.correlated) for t in predictor.groups]
    assert found == GROUPS[text]
    assert predictor.population == "x"


@pytest.mark.parametrize("text", SPLIT)
def test_population_and_text(text):
    _, predictor = parse_formula(text)
    assert (predictor.population, predictor.text) == SPLIT[text]


def test_group_term_is_the_contract():
    _, predictor = parse_formula("y ~ (1 + day | c | hospital:ward)")
    assert predictor.groups == (GroupTerm("1 + day", ("hospital", "ward"), "c"),)


def test_precedence_is_r():
    assert str(parse("-a^2:b*c + d")) == "-a^2:b * c + d"
    assert parse("a + b:c * d^2") == parse("a + ((b:c) * (d^2))".replace("(", "").replace(")", ""))
    assert labels("a + b:c*d") == ["1", "a", "d", "b:c", "b:c:d"]


def test_wide_formula():
    text = " + ".join(f"x{i}" for i in range(1500))
    assert len(read_terms(text).products) == 1500


@given(st.text(alphabet="xy1(|)~+-*:^/,.#\"'` \nIlog=", max_size=25))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused(text):
    try:
        left, predictor = parse_formula(text)
    except FormulaError:
        return
    again = parse_formula(f"{left or ''} ~ {predictor.text}")[1]
    assert again == predictor
