"""Malformed formulas: what the message says and where its caret stands."""

import pytest

from hmlm.formula.bf import as_model_formula, bf, set_rescor
from hmlm.types import FormulaError

# formula -> (part of the message, column of the caret)
MALFORMED = {
    "y": ("no `~`", 0),
    "y x": ("missing between `y` and `x`", 2),
    "~ x": ("nothing stands left", 0),
    "y ~": ("must follow `~`", 3),
    "y ~~ x": ("between `~` and `~`", 3),
    "y ~ x ~ z": ("has one `~`", 6),
    "y ~ x +": ("must follow `+`", 7),
    "y ~ * x": ("between `~` and `*`", 4),
    "y ~ x z": ("missing between `x` and `z`", 6),
    "y ~ 2x": ("missing between `2` and `x`", 5),
    "y ~ x)": ("no `(` left open", 5),
    "y ~ (1 + x | id": ("never closed", 4),
    "y ~ x + (1 | c | id": ("never closed", 8),
    "y ~ poly(x, 2": ("never closed", 8),
    "y ~ (": ("never closed", 4),
    "y ~ ()": ("between `(` and `)`", 5),
    "y ~ (1|)": ("between `|` and `)`", 7),
    "y ~ (|g)": ("between `(` and `|`", 5),
    "y ~ (1 | (x | g))": ("no grouping factor", 10),
    "y ~ ((x | g) | h)": ("parentheses of its own", 6),
    "y ~ (1 | a | b | c)": ("too many bars", 5),
    "y ~ (1 || c | g)": ("share an ID", 5),
    "y ~ (1 | c + d | g)": ("no ID", 9),
    "y ~ (1 | a + b)": ("no grouping factor", 9),
    "y ~ (1 | gr(a, cov = b))": ("gr(group) alone", 9),
    "y ~ x | g": ("parentheses of its own", 4),
    "y ~ x * (1 | g)": ("parentheses of its own", 9),
    "y ~ x - (1 | g)": ("cannot be subtracted", 8),
    "y | n ~ x": ("after the bar stand terms such as trials(n)", 4),
    "y + z ~ x": ("no outcome", 0),
    "1 ~ x": ("no outcome", 0),
    "y ~ .": ("name the columns", 4),
    "y ~ 2": ("no term", 4),
    "y ~ 2 * x": ("I(2 * x)", 4),
    "y ~ -x": ("I(-x)", 4),
    "y ~ TRUE": ("no term", 4),
    'y ~ "x"': ("no term", 4),
    "y ~ (a + b)^x": ("whole number", 12),
    "y ~ (a + b)^99": ("whole number", 12),
    "y ~ x %in% z": ("no meaning", 6),
    "y ~ x\n  + [z]": ("no meaning", 4),
    "y ~ log()": ("needs a column", 4),
    "y ~ log(2)": ("no column", 4),
    "y ~ log(x, 2)": ("no argument of `log()`", 11),
    "y ~ poly(x, deg = 2)": ("no argument of `poly()`", 12),
    "y ~ poly(x, 2, degree = 2)": ("given twice", 15),
    "y ~ poly(x, z)": ("literal", 12),
    "y ~ log(poly(x, 2))": ("cannot be computed", 8),
    "y ~ log(x:z)": ("cannot be computed", 8),
    "y ~ factor(x + 1)": ("name of a column", 11),
    "y ~ I(x ~ z)": ("cannot be computed", 6),
    "y ~ lgo(x)": ("did you mean `log()`", 4),
    "y ~ " + "a*" * 20 + "b": ("factors are joined", 27),
    "y ~ " + "(" * 90 + "x" + ")" * 90: ("nests deeper", 34),
    "bf(y ~ x, family = g)": ("give it to the model", 10),
    "bf(y ~ x) + bm(z)": ("cannot be added", 12),
    "bf()": ("needs a formula", 0),
    "bf(y ~ x) + set_rescor(3)": ("TRUE or FALSE", 23),
}


@pytest.mark.parametrize("text", MALFORMED)
def test_message_points_at_the_place(text):
    said, column = MALFORMED[text]
    with pytest.raises(FormulaError) as raised:
        as_model_formula(text)
    message, _, caret = str(raised.value).splitlines()
    assert said in message
    assert caret.index("^") - 4 == column


@pytest.mark.parametrize("bad", ["", "  ", "# only a comment", None, 3, [], ["y ~ x", 4], [set_rescor()]])
def test_no_formula(bad):
    with pytest.raises(FormulaError):
        as_model_formula(bad)


def test_unknown_parameter_lists_the_allowed():
    with pytest.raises(FormulaError, match="`nux` is no distributional parameter; allowed: sigma, nu"):
        bf("y ~ x", nux="~ x")
    with pytest.raises(FormulaError, match=r"bf\('y1 ~ x'\) \+ bf"):
        bf("y ~ x", "z ~ x")


def test_parameter_given_twice_or_for_another():
    with pytest.raises(FormulaError, match="two formulas"):
        bf("y ~ x", "sigma ~ x", sigma="~ z")
    with pytest.raises(FormulaError, match="has `nu` on its left"):
        bf("y ~ x", sigma="nu ~ z")
    with pytest.raises(FormulaError, match="sigma ~x"):
        bf("y ~ x", "~ x")
    with pytest.raises(FormulaError, match="no `~`"):
        bf("y ~ x", sigma="1 + x")


def test_rescor_takes_a_truth_value_or_a_formula():
    with pytest.raises(FormulaError, match="True or False"):
        set_rescor("yes")
