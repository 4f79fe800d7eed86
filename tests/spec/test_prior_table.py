"""The table of priors that can be set and the lines of those in force."""

import pytest

from hmlm.spec.build import build_spec
from hmlm.spec.families import GAUSSIAN
from hmlm.spec.prior import as_priors, prior
from hmlm.spec.table import COLUMNS, prior_lines, prior_table
from hmlm.types import PriorError

from .affect_models import PRIORS, affect_3, affect_4, affect_5, affect_spec
from .model_designs import design, population, predictor, varying

DEFAULT = "student_t(3, 0, 2.5)"


def rows(made, *priors, columns=("prior", "class", "coef", "group", "resp", "dpar")):
    table = prior_table(made, GAUSSIAN, priors)
    return [tuple(row) for row in table[list(columns)].to_numpy()]


def test_rows_of_a_location_scale_model():
    assert rows(affect_4(), columns=("prior", "class", "coef", "group", "dpar", "lb", "source")) == [
        (DEFAULT, "Intercept", "", "", "", "", "default"),
        (DEFAULT, "Intercept", "", "", "sigma", "", "default"),
        (DEFAULT, "sd", "", "", "", "0", "default"),
        ("", "sd", "", "id", "", "0", "default"),
        ("", "sd", "Intercept", "id", "", "0", "default"),
        (DEFAULT, "sd", "", "", "sigma", "0", "default"),
        ("", "sd", "", "id", "sigma", "0", "default"),
        ("", "sd", "Intercept", "id", "sigma", "0", "default"),
        ("lkj(1)", "cor", "", "", "", "", "default"),
        ("", "cor", "", "id", "", "", "default"),
    ]


def test_coefficients_inherit_from_their_class():
    made = design(predictor(population("x")))
    assert rows(made, columns=("prior", "class", "coef", "lb")) == [
        (DEFAULT, "Intercept", "", ""),
        ("(flat)", "b", "", ""),
        ("", "b", "x", ""),
        (DEFAULT, "sigma", "", "0"),
    ]


def test_several_outcomes_have_rows_of_their_own():
    table = rows(affect_3(), prior("normal(0, 1)"), columns=("prior", "class", "coef", "resp"))
    assert table[:3] == [
        ("", "Intercept", "", ""),
        (DEFAULT, "Intercept", "", "NAstd"),
        (DEFAULT, "Intercept", "", "PAstd"),
    ]
    assert table[3:6] == [
        ("normal(0, 1)", "b", "", ""),
        ("", "b", "", "NAstd"),
        ("", "b", "NA_lag", "NAstd"),
    ]
    assert table[-1] == ("lkj(1)", "rescor", "", "")


def test_stated_priors_fill_their_rows():
    table = prior_table(affect_5(), GAUSSIAN, as_priors(PRIORS["m5"]))
    assert (table["source"] == "user").sum() == 6
    assert tuple(table.columns) == COLUMNS


def test_a_prior_between_the_rows_gets_a_row():
    made = design(predictor(population(), varying()))
    table = rows(made, prior("normal(0, 3)", "sd", coef="Intercept"))
    assert ("normal(0, 3)", "sd", "Intercept", "", "", "") in table


def test_a_prior_that_reaches_nothing_is_refused():
    with pytest.raises(PriorError, match="no coef 'x'"):
        prior_table(affect_5(), GAUSSIAN, (prior("normal(0, 1)", coef="x"),))


def test_lines_of_a_location_scale_model():
    assert prior_lines(affect_spec("m5")) == (
        "b_Intercept ~ normal(0, 0.2) (at the means of its columns)",
        "b ~ normal(0, 1)",
        "b_sigma_Intercept ~ normal(0, 1) (at the means of its columns)",
        "b_sigma ~ (flat)",
        "sd_id ~ exponential(1)",
        "sd_id__sigma ~ exponential(1)",
        "cor_id ~ lkj(2)",
    )


def test_lines_of_several_outcomes():
    assert prior_lines(affect_spec("m2"))[-4:] == (
        "cor_id ~ lkj(2)",
        f"sigma_NAstd ~ {DEFAULT}",
        f"sigma_PAstd ~ {DEFAULT}",
        "rescor ~ lkj(1)",
    )


def test_different_priors_have_a_line_each():
    made = design(predictor(population("x day"), varying()))
    spec = build_spec(made, GAUSSIAN, (prior("normal(0, 1)", coef="day"),))
    assert prior_lines(spec)[1:4] == ("b_x ~ (flat)", "b_day ~ normal(0, 1)", f"sd_id__Intercept ~ {DEFAULT}")
