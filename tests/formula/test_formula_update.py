"""R's update notation."""

from __future__ import annotations

import pytest

from hmlm.formula.bf import as_model_formula, bf, set_rescor
from hmlm.formula.update import update_formula
from hmlm.types import FormulaError

OLD = as_model_formula(bf("y ~ 1 + x + w + (1 + x |c| g)", sigma="~ x + (1 |c| g)", center=False))

MEANS = {
    ". ~ . + z": "1 + x + w + (1 + x | c | g) + z",
    "~ . + z": "1 + x + w + (1 + x | c | g) + z",
    "y ~ . + z": "1 + x + w + (1 + x | c | g) + z",
    ". ~ . - x": "1 + w + (1 + x | c | g)",
    ". ~ . - x - w": "1 + (1 + x | c | g)",
    ". ~ . + x": "1 + x + w + (1 + x | c | g)",
    ". ~ z + .": "z + 1 + x + w + (1 + x | c | g)",
    ". ~ . - 1": "x + w + (1 + x | c | g) - 1",
    ". ~ 0 + .": "0 + x + w + (1 + x | c | g)",
    ". ~ . - (1 + x | c | g) + (1 | h)": "1 + x + w + (1 | h)",
    ". ~ . + x:w + poly(z, 2)": "1 + x + w + (1 + x | c | g) + x:w + poly(z, 2)",
    ". ~ z": "z",
}


@pytest.mark.parametrize("change", MEANS)
def test_means(change):
    new = update_formula(OLD, change)
    assert new.outcomes[0].mu.text == MEANS[change]
    assert new.outcomes[0].mu == as_model_formula(f"y ~ {MEANS[change]}").outcomes[0].mu
    assert (new.outcomes[0].dpars, new.outcomes[0].center) == (OLD.outcomes[0].dpars, False)


def test_what_is_not_written_out_is_subtracted_by_the_algebra():
    new = update_formula(as_model_formula("y ~ x * w"), ". ~ . - x:w")
    assert new.outcomes[0].mu.text == "x * w - x:w"


def test_other_parameters():
    assert dict(update_formula(OLD, "sigma ~ . - x").outcomes[0].dpars)["sigma"].text == "(1 | c | g)"
    plain = update_formula(as_model_formula("y ~ x"), "sigma ~ . + x")
    assert plain.outcomes[0].mu.text == "x" and dict(plain.outcomes[0].dpars)["sigma"].text == "1 + x"


def test_several_changes():
    (new,) = update_formula(OLD, [". ~ . - w", "sigma ~ . + z"]).outcomes
    assert (new.mu.text, new.dpars[0][1].text) == ("1 + x + (1 + x | c | g)", "x + (1 | c | g) + z")


def test_another_outcome():
    assert update_formula(OLD, "log(y) ~ .").outcomes[0].column == "log(y)"


def test_several_outcomes():
    old = bf("y ~ x") + bf("NA.std ~ w") + set_rescor(True)
    every = update_formula(old, ". ~ . + z")
    assert [o.mu.text for o in every.outcomes] == ["x + z", "w + z"] and every.rescor
    assert [o.mu.text for o in update_formula(old, "NA.std ~ . + z").outcomes] == ["x", "w + z"]
    with pytest.raises(FormulaError, match="no outcome `v` to change; the model has y, NA.std"):
        update_formula(old, "v ~ . + z")


def test_whole_formulas():
    whole = "z ~ x + (1 | h)"
    assert update_formula(OLD, whole) == as_model_formula(whole)
    assert update_formula(OLD, bf(whole)) == as_model_formula(whole)
    with pytest.raises(FormulaError, match="whole formulas"):
        update_formula(OLD, [". ~ . + z", bf(whole)])


@pytest.mark.parametrize("change", [". ~ . * z", ". ~ . - (1 | h)", ". ~ . +"])
def test_what_cannot_be_read(change):
    with pytest.raises(FormulaError):
        update_formula(OLD, change)
