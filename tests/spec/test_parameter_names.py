"""Names of draws and printed labels against what brms printed."""

import os
from pathlib import Path

import pandas as pd
import pytest

from hmlm.spec.build import build_spec
from hmlm.spec.families import GAUSSIAN
from hmlm.spec.names import (
    coefficient_names,
    cor_names,
    effects_name,
    intercept_name,
    rescor_names,
    sd_names,
    sigma_name,
    summary_rows,
)

from .affect_models import DESIGNS, affect_spec
from .model_designs import design, population, predictor, varying

DATA_DIR = os.environ.get("HMLM_DATA_DIR")

PRINTED = {
    "m1": """sd(Intercept) sd(NA_lag) sd(PA_lag) cor(Intercept,NA_lag) cor(Intercept,PA_lag)
        cor(NA_lag,PA_lag) Intercept NA_lag PA_lag sigma""",
    "m2": """sd(NAstd_Intercept) sd(PAstd_Intercept) cor(NAstd_Intercept,PAstd_Intercept)
        NAstd_Intercept PAstd_Intercept sigma_NAstd sigma_PAstd rescor(NAstd,PAstd)""",
    "m4": """sd(Intercept) sd(sigma_Intercept) cor(Intercept,sigma_Intercept)
        Intercept sigma_Intercept""",
}


def labels(name):
    return [row.label for row in summary_rows(affect_spec(name))]


@pytest.mark.parametrize("name", PRINTED)
def test_labels_are_printed_as_brms_prints_them(name):
    assert labels(name) == PRINTED[name].split()


@pytest.mark.data
@pytest.mark.skipif(DATA_DIR is None, reason="HMLM_DATA_DIR is not set")
@pytest.mark.parametrize("name", ["m2", "m3", "m4", "m5"])
def test_labels_match_the_published_tables(name):
    table = pd.read_csv(Path(DATA_DIR).parent / "reference" / "affect_brms.csv", keep_default_na=False)
    published = table[table["model"].str.startswith(name)]["term"]
    assert labels(name) == list(published)


def test_names_of_population_level_draws():
    spec = affect_spec("m5")
    assert [intercept_name(spec, p) for p in (0, 1)] == ["b_Intercept", "b_sigma_Intercept"]
    assert coefficient_names(spec, 0)[0] == "b_day"
    assert coefficient_names(spec, 1)[0] == "b_sigma_PA_lag"
    assert coefficient_names(affect_spec("m3"), 0) == ("b_NAstd_NA_lag", "b_NAstd_PA_lag")


def test_names_of_group_level_draws():
    spec = affect_spec("m5")
    assert sd_names(spec, spec.blocks[0]) == (
        "sd_id__Intercept",
        "sd_id__day",
        "sd_id__steps.pmd",
        "sd_id__sigma_Intercept",
        "sd_id__sigma_steps.pmd",
    )
    assert cor_names(spec, spec.blocks[0])[:4] == (
        ("cor_id__Intercept__day", 0, 1),
        ("cor_id__Intercept__steps.pmd", 0, 2),
        ("cor_id__day__steps.pmd", 1, 2),
        ("cor_id__Intercept__sigma_Intercept", 0, 3),
    )
    assert [effects_name(spec, 0, p) for p in (0, 1)] == ["r_id", "r_id__sigma"]


def test_names_of_several_outcomes():
    spec = affect_spec("m3")
    assert rescor_names(spec) == (("rescor__NAstd__PAstd", 0, 1),)
    assert [sigma_name(spec, m) for m in (0, 1)] == ["sigma_NAstd", "sigma_PAstd"]
    assert effects_name(spec, 0, 0) == "r_id__NAstd"
    assert sd_names(spec, spec.blocks[0])[2] == "sd_id__NAstd_PA_lag"


def test_names_of_a_modelled_sigma_of_one_of_several_outcomes():
    spec = build_spec(
        design(
            predictor(population(), response="NAstd"),
            predictor(population("x"), varying(), response="NAstd", dpar="sigma"),
            predictor(population(), response="PAstd"),
        ),
        GAUSSIAN,
        (),
    )
    assert coefficient_names(spec, 1) == ("b_sigma_NAstd_x",)
    assert effects_name(spec, 0, 1) == "r_id__sigma_NAstd"
    assert [row.variable for row in summary_rows(spec)] == [
        "sd_id__sigma_NAstd_Intercept",
        "b_NAstd_Intercept",
        "b_sigma_NAstd_Intercept",
        "b_PAstd_Intercept",
        "b_sigma_NAstd_x",
        "sigma_PAstd",
    ]


def test_factors_are_printed_by_name_with_standard_deviations_first():
    made = design(
        predictor(
            population("x"),
            varying("Intercept x", factor="site"),
            varying(factor="hospital:ward"),
            varying("z", factor="site"),
        )
    )
    rows = [row for row in summary_rows(build_spec(made, GAUSSIAN, ())) if row.section == "group"]
    assert [(row.group, row.label) for row in rows] == [
        ("hospital:ward", "sd(Intercept)"),
        ("site", "sd(Intercept)"),
        ("site", "sd(x)"),
        ("site", "sd(z)"),
        ("site", "cor(Intercept,x)"),
    ]
    assert rows[0].variable == "sd_hospital:ward__Intercept"


def test_independent_effects_have_no_correlations():
    made = design(predictor(population("x"), varying("Intercept x", correlated=False)))
    spec = build_spec(made, GAUSSIAN, ())
    assert cor_names(spec, spec.blocks[0]) == ()


@pytest.mark.parametrize("name", DESIGNS)
def test_variables_are_unique(name):
    variables = [row.variable for row in summary_rows(affect_spec(name))]
    assert len(set(variables)) == len(variables)
