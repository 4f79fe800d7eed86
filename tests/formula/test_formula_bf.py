"""``bf``, its sums, and what is pasted from R."""

from hmlm.formula.bf import as_model_formula, bf, set_rescor
from hmlm.types import ModelFormula, OutcomeFormula

LOCATION = "PA.std ~ 1 + day + (1 |c| id)"
SCALE = "~ 1 + (1 |c| id)"


def test_parameters_by_keyword_and_as_pasted():
    assert bf(LOCATION, sigma=SCALE) == bf(LOCATION, f"sigma {SCALE}") == bf(LOCATION, sigma=f"sigma {SCALE}")


def test_outcome_formula():
    formula = bf(LOCATION, sigma=SCALE)
    assert isinstance(formula, OutcomeFormula)
    assert formula.column == "PA.std"
    assert [name for name, _ in formula.predictors] == ["mu", "sigma"]
    assert formula.mu.text == "1 + day + (1 | c | id)"
    assert formula.center
    assert not bf(LOCATION, center=False).center


def test_sum_of_outcomes():
    formula = bf("NA.std ~ 1") + bf("PA.std ~ 1") + set_rescor(True)
    assert isinstance(formula, ModelFormula)
    assert [o.column for o in formula.outcomes] == ["NA.std", "PA.std"]
    assert formula.rescor is True


def test_pasted_calls():
    pasted = """bf(            # several lines, as in the lecture
        PA.std ~ 1 + day +   # location
          (1 | c | id),
        sigma ~ 1 + (1 | c | id)   # scale
      )"""
    assert as_model_formula(pasted) == as_model_formula(bf(LOCATION, sigma=SCALE))
    several = as_model_formula(
        "bf(NA.std ~ 1 + (1 | c | id)) + bf(PA.std ~ 1 + (1 | c | id)) + set_rescor(TRUE)"
    )
    assert several == bf("NA.std ~ 1 + (1 | c | id)") + bf("PA.std ~ 1 + (1 | c | id)") + set_rescor()
    assert as_model_formula("bf(y ~ x, sigma = ~ z, center = FALSE)").outcomes[0] == bf(
        "y ~ x", sigma="~ z", center=False
    )


def test_as_model_formula_accepts_every_form():
    expected = ModelFormula((bf("y ~ x"),))
    for form in ("y ~ x", "bf(y ~ x)", bf("y ~ x"), expected, ["y ~ x"], (bf("y ~ x"),)):
        assert as_model_formula(form) == expected
    both = as_model_formula(["y ~ x", bf("z ~ x"), set_rescor(False)])
    assert both == bf("y ~ x") + bf("z ~ x") + set_rescor(False)


def test_outcome_that_is_computed():
    assert bf("log( y ) ~ x").column == "log(y)"
    assert bf("`my y` ~ x").column == "my y"
