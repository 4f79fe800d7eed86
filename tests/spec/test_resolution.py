"""Which prior a parameter gets, and what the error of an unreachable prior says."""

import pytest

from hmlm.spec.build import build_spec
from hmlm.spec.families import GAUSSIAN
from hmlm.spec.prior import as_priors
from hmlm.types import Distribution, PriorError

from .affect_models import affect_1, affect_2, affect_3, affect_4, affect_5
from .model_designs import design, population, predictor, varying


def build(made, text):
    return build_spec(made, GAUSSIAN, as_priors(text))


def scales(distributions):
    """The last argument of each, which tells the priors of a test apart."""
    return [distribution.args[-1] for distribution in distributions]


def test_a_coefficient_beats_its_class():
    spec = build(affect_1(), "c(prior(normal(0, 2), coef = PA_lag), prior(normal(0, 1)))")
    assert scales(spec.predictors[0].priors) == [1.0, 2.0]


def test_the_last_of_equals_wins():
    spec = build(affect_1(), "c(prior(normal(0, 1)), prior(normal(0, 3)))")
    assert scales(spec.predictors[0].priors) == [3.0, 3.0]


def test_a_coefficient_beats_a_group_and_a_group_its_class():
    made = design(predictor(population("x"), varying("Intercept x"), varying(factor="site")))
    spec = build(
        made,
        """c(prior(normal(0, 3), class = sd, coef = x, group = id),
             prior(normal(0, 2), class = sd, group = id),
             prior(normal(0, 1), class = sd))""",
    )
    assert [scales(block.sd) for block in spec.blocks] == [[2.0, 3.0], [1.0]]


def test_an_outcome_beats_its_class():
    spec = build(affect_3(), "c(prior(normal(0, 2), resp = PA.std), prior(normal(0, 1)))")
    assert [scales(p.priors) for p in spec.predictors] == [[1.0, 1.0], [2.0, 2.0]]


def test_without_dpar_only_mu_is_reached():
    spec = build(affect_4(), "c(prior(normal(0, 9), class = Intercept), prior(normal(0, 9), class = sd))")
    assert scales([p.intercept for p in spec.predictors]) == [9.0, 2.5]
    assert scales(spec.blocks[0].sd) == [2.5, 9.0]


def test_mu_may_be_said():
    spec = build(affect_4(), [{"prior": "normal(0, 9)", "class": "Intercept", "dpar": "mu"}])
    assert scales([p.intercept for p in spec.predictors]) == [9.0, 2.5]


def test_the_correlations_of_one_factor():
    made = design(predictor(population("x"), varying("Intercept x"), varying("Intercept x", factor="site")))
    spec = build(made, "c(prior(lkj(4), class = cor, group = site), prior(lkj(2), class = cor))")
    assert [block.cor for block in spec.blocks] == [2.0, 4.0]


def test_residual_correlation_has_its_own_prior():
    spec = build(affect_2(), "c(prior(lkj(2), class = cor), prior(lkj(5), class = rescor))")
    assert (spec.blocks[0].cor, spec.rescor) == (2.0, 5.0)


def test_standard_deviations_of_one_outcome():
    spec = build(
        affect_2(),
        "c(prior(normal(0, 1), class = sd, resp = NAstd), prior(cauchy(0, 2), sigma, resp = PAstd))",
    )
    assert scales(spec.blocks[0].sd) == [1.0, 2.5]
    assert spec.sigma[1] == Distribution("cauchy", (0.0, 2.0))


UNREACHED = [
    (affect_1, "prior(normal(0, 1), coef = PA_lg)", "no coef 'PA_lg' in class 'b'", "did you mean 'PA_lag'?"),
    (affect_5, "prior(normal(0, 1), coef = steps.pmd:steps.pm)", "did you mean 'steps.pm:steps.pmd'?"),
    (affect_1, "prior(normal(0, 1), coef = Intercept)", "the intercept has its own class", '"0 + Intercept"'),
    (
        affect_1,
        "prior(normal(0, 1), class = sd, group = ID)",
        "did you mean 'id'?",
        "Intercept, NA_lag, PA_lag",
    ),
    (affect_1, "prior(normal(0, 1), class = sd, dpar = sigma)", "no dpar 'sigma' in class 'sd', only 'mu'"),
    (affect_1, "prior(normal(0, 1), resp = z)", "no resp 'z'"),
    (affect_1, "prior(lkj(2), class = rescor)", "set_rescor(True)"),
    (affect_2, "prior(normal(0, 1))", "no population-level coefficients"),
    (affect_2, "prior(normal(0, 1), class = sd)", "say which one, resp = one of 'NAstd', 'PAstd'"),
    (affect_2, "prior(normal(0, 1), class = sigma)", "say which one"),
    (affect_2, "prior(normal(0, 1), class = Intercept, dpar = sigma)", "say which one"),
    (affect_4, "prior(exponential(1), class = sigma)", 'use class_="Intercept"', 'dpar="sigma"'),
]


@pytest.mark.parametrize(("make", "text", "fragments"), [(m, t, f) for m, t, *f in UNREACHED])
def test_a_prior_that_reaches_nothing_is_explained(make, text, fragments):
    with pytest.raises(PriorError) as error:
        build(make(), text)
    for fragment in fragments:
        assert fragment in str(error.value)


def test_the_explanation_lists_what_there_is():
    with pytest.raises(PriorError) as error:
        build(affect_4(), "prior(normal(0, 1))")
    first, *inventory = str(error.value).splitlines()
    assert first.startswith("prior(normal(0, 1), class = b) reaches no parameter: the formula has no")
    assert inventory == [
        "This model has",
        "  class = Intercept",
        "  class = sd, group = id: Intercept",
        "  class = Intercept, dpar = sigma",
        "  class = sd, group = id, dpar = sigma: Intercept",
        "  class = cor, group = id",
    ]


def test_coefficients_of_sigma_alone_ask_for_dpar():
    made = design(predictor(population()), predictor(population("x"), dpar="sigma"))
    with pytest.raises(PriorError, match="without dpar it is for mu; say dpar = one of 'sigma'"):
        build(made, "prior(normal(0, 1))")


@pytest.mark.parametrize(
    ("made", "text", "message"),
    [
        (
            design(predictor(population("x", intercept=False))),
            "prior(normal(0, 1), Intercept)",
            "no intercept",
        ),
        (design(predictor(population())), "prior(normal(0, 1), sd)", "no group-level terms"),
        (
            design(predictor(population(), varying())),
            "prior(lkj(2), cor)",
            "no group-level effects are correlated",
        ),
    ],
)
def test_a_class_the_model_lacks_is_explained(made, text, message):
    with pytest.raises(PriorError, match=message):
        build(made, text)
