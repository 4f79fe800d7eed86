"""Specifications: the published models, blocks, centring, and the designs that are refused."""

import dataclasses

import numpy as np
import pytest

from hmlm.spec.build import build_spec
from hmlm.spec.distribution import FLAT
from hmlm.spec.families import GAUSSIAN, POISSON, STUDENT
from hmlm.spec.prior import as_priors, prior
from hmlm.types import DataError, DataWarning, Distribution, FormulaError

from .affect_models import affect_3, affect_spec
from .model_designs import design, population, predictor, varying

WEAK = Distribution("normal", (0.0, 0.2))
NORMAL = Distribution("normal", (0.0, 1.0))
EXPONENTIAL = Distribution("exponential", (1.0,))
DEFAULT_SCALE = Distribution("student_t", (3.0, 0.0, 2.5))


def spec_of(*predictors, priors=None, **options):
    return build_spec(design(*predictors, **options), GAUSSIAN, as_priors(priors))


def term_names(block):
    return [(term.predictor, term.name) for term in block.terms]


def test_model_1():
    spec = affect_spec("m1")
    (block,) = spec.blocks
    assert spec.predictors[0].intercept == WEAK
    assert spec.predictors[0].priors == (NORMAL, NORMAL)
    assert spec.predictors[0].centered
    assert spec.sigma == (EXPONENTIAL,)
    assert (block.sd, block.cor, block.order, block.name) == ((EXPONENTIAL,) * 3, 2.0, (0, 1, 2), "id")
    assert (spec.rescor, spec.n_rows, spec.factors[0].n_levels) == (None, 30, 6)


def test_model_2():
    spec = affect_spec("m2")
    (block,) = spec.blocks
    assert [p.intercept for p in spec.predictors] == [WEAK, WEAK]
    assert [p.prefix for p in spec.predictors] == ["NAstd", "PAstd"]
    assert not any(p.centered for p in spec.predictors)
    assert (block.cor, spec.rescor) == (2.0, 1.0)
    assert spec.sigma == block.sd == (DEFAULT_SCALE, DEFAULT_SCALE)


def test_model_3():
    spec = affect_spec("m3")
    assert [p.priors for p in spec.predictors] == [(NORMAL, NORMAL)] * 2
    assert [p.response for p in spec.predictors] == [0, 1]
    assert spec.blocks[0].order == (0, 1, 2, 3, 4, 5)


def test_model_4():
    spec = affect_spec("m4")
    (block,) = spec.blocks
    assert [p.intercept for p in spec.predictors] == [WEAK, NORMAL]
    assert spec.sigma == (None,)
    assert term_names(block) == [(1, "Intercept"), (0, "Intercept")]
    assert block.order == (1, 0)


def test_model_5():
    spec = affect_spec("m5")
    (block,) = spec.blocks
    scale = [(1, "Intercept"), (1, "steps.pmd")]
    location = [(0, "Intercept"), (0, "day"), (0, "steps.pmd")]
    assert term_names(block) == scale + location
    assert block.order == (2, 3, 4, 0, 1)
    assert spec.predictors[0].priors == (NORMAL,) * 6
    assert spec.predictors[1].priors == (FLAT,) * 5
    assert [p.prefix for p in spec.predictors] == ["", "sigma"]


def test_specs_are_hashable_and_repeatable():
    assert hash(affect_spec("m5")) == hash(affect_spec("m5"))


def test_scales_of_all_outcomes_come_first():
    shared = varying(label="c")
    spec = spec_of(
        *(
            predictor(population(), shared, response=response, dpar=dpar)
            for response in ("a", "b")
            for dpar in ("mu", "sigma")
        )
    )
    assert term_names(spec.blocks[0]) == [(p, "Intercept") for p in (1, 3, 0, 2)]
    assert spec.blocks[0].order == (2, 0, 3, 1)


def test_terms_without_a_label_are_blocks_of_their_own():
    spec = spec_of(predictor(population("x"), varying(), varying("x"), varying(factor="a:b")))
    assert [(block.name, block.factor, block.cor) for block in spec.blocks] == [
        ("id", 0, None),
        ("id_2", 0, None),
        ("a:b", 1, None),
    ]
    assert [term.group for block in spec.blocks for term in block.terms] == [0, 1, 2]


def test_block_names_avoid_factors_of_that_name():
    spec = spec_of(predictor(population("x"), varying(), varying("x"), varying(factor="id_2")))
    assert [block.name for block in spec.blocks] == ["id", "id_3", "id_2"]


def test_two_bars_make_one_independent_block():
    spec = spec_of(predictor(population("x"), varying("Intercept x", correlated=False)))
    assert [(block.size, block.cor) for block in spec.blocks] == [(2, None)]


def test_correlations_default_to_lkj_1():
    assert spec_of(predictor(population("x"), varying("Intercept x"))).blocks[0].cor == 1.0


def test_defaults_follow_the_outcome():
    values = np.tile([10.0, 20.0, 30.04], 10)
    location = predictor(population("x"), varying())
    scale = predictor(population(), varying(), dpar="sigma")
    spec = spec_of(location, scale, values=values)
    assert spec.predictors[0].intercept == Distribution("student_t", (3.0, 20.0, 14.8))
    assert spec.predictors[0].priors == (FLAT,)
    assert spec.predictors[1].intercept == DEFAULT_SCALE
    assert [block.sd for block in spec.blocks] == [
        (Distribution("student_t", (3.0, 0.0, 14.8)),),
        (DEFAULT_SCALE,),
    ]


def test_the_default_location_is_never_minus_zero():
    spec = spec_of(predictor(population()), values=np.full(30, -0.01))
    assert str(spec.predictors[0].intercept) == "student_t(3, 0, 2.5)"


def test_zero_plus_has_no_intercept():
    (only,) = spec_of(predictor(population("x", intercept=False))).predictors
    assert (only.intercept, only.names, only.centered) == (None, ("x",), False)


INTERCEPT_PRIORS = {
    "prior(normal(0, 1), class = b, coef = Intercept)": NORMAL,
    "prior(normal(0, 1), class = Intercept)": NORMAL,
    "prior(normal(0, 0.2), class = b)": WEAK,
    "c(prior(normal(0, 1), class = Intercept), prior(normal(0, 0.2), class = b))": NORMAL,
    "c()": FLAT,
}


@pytest.mark.parametrize("text", INTERCEPT_PRIORS)
def test_zero_plus_intercept_is_a_coefficient(text):
    (only,) = spec_of(predictor(population("Intercept x", intercept=False)), priors=text).predictors
    assert only.intercept is None
    assert only.priors[0] == INTERCEPT_PRIORS[text]


@pytest.mark.parametrize("text", INTERCEPT_PRIORS)
def test_without_centring_the_intercept_takes_the_same_priors(text):
    (only,) = spec_of(predictor(population("x", center=False)), priors=text, center=False).predictors
    assert only.intercept == INTERCEPT_PRIORS[text]
    assert (only.names, only.centered) == (("x",), False)


def test_a_coefficient_varies_once_per_factor():
    with pytest.raises(FormulaError, match="'Intercept' varies by 'id' in more than one.*mu; .0 [+] x"):
        spec_of(predictor(population("x"), varying(), varying("Intercept x")))
    with pytest.raises(FormulaError, match="'x' varies by 'id'"):
        spec_of(predictor(population("x"), varying("Intercept x"), varying("x")))


def test_one_label_means_one_kind_of_bar():
    terms = varying(label="c"), varying("x", label="c", correlated=False)
    with pytest.raises(FormulaError, match="label 'c' use both"):
        spec_of(predictor(population("x"), *terms))


def test_residual_correlation_needs_two_outcomes():
    with pytest.raises(FormulaError, match="needs several outcomes, there is only 'y'"):
        spec_of(predictor(population()), rescor=True)


def test_residual_correlation_needs_a_family_that_has_it():
    with pytest.raises(FormulaError, match="student has no residual correlation"):
        build_spec(affect_3(), STUDENT, ())


def test_a_family_without_sigma_gets_none():
    made = design(predictor(population()))
    counts = dataclasses.replace(made.outcomes[0], values=np.arange(float(made.n_rows)))
    made = dataclasses.replace(made, outcomes=(counts,))
    assert build_spec(made, POISSON, ()).sigma == (None,)


def test_a_parameter_the_family_lacks_is_explained():
    with pytest.raises(FormulaError, match="no parameter 'sigm', only 'mu', 'sigma'; did you mean 'sigma'"):
        spec_of(predictor(population()), predictor(population(), dpar="sigm"))


def test_collinear_columns_need_proper_priors():
    twice = predictor(dataclasses.replace(population("x z x"), names=("x", "z", "same")))
    with pytest.raises(DataError, match="have a flat prior: drop one"):
        spec_of(twice)
    with pytest.warns(DataWarning, match="only their priors tell them apart"):
        build_spec(design(twice), GAUSSIAN, (prior("normal(0, 1)"),))
