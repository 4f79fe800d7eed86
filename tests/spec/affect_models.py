"""Models 1 to 5 of the affect data: designs and priors as published."""

from __future__ import annotations

from hmlm.spec.build import build_spec
from hmlm.spec.families import GAUSSIAN
from hmlm.spec.prior import as_priors
from hmlm.spec.spec import Spec
from hmlm.types import Design

from .model_designs import design, population, predictor, varying

STEPS = "steps.pm steps.pmd steps.pm:steps.pmd"


def affect_1() -> Design:
    return design(predictor(population("NA_lag PA_lag"), varying("Intercept NA_lag PA_lag")))


def affect_2() -> Design:
    outcomes = ("NAstd", "PAstd")
    return design(
        *(predictor(population(), varying(label="c"), response=name) for name in outcomes), rescor=True
    )


def affect_3() -> Design:
    lags = (population("NA_lag PA_lag"), varying("Intercept NA_lag PA_lag", label="c"))
    return design(*(predictor(*lags, response=name) for name in ("NAstd", "PAstd")), rescor=True)


def affect_4() -> Design:
    shared = varying(label="c")
    return design(predictor(population(), shared), predictor(population(), shared, dpar="sigma"))


def affect_5() -> Design:
    location = predictor(
        population(f"day PA_lag NA_lag {STEPS}"), varying("Intercept day steps.pmd", label="c")
    )
    scale = predictor(
        population(f"PA_lag NA_lag {STEPS}"), varying("Intercept steps.pmd", label="c"), dpar="sigma"
    )
    return design(location, scale)


PRIORS = {
    "m1": """c(prior(normal(0, 0.2), class = Intercept),
                prior(normal(0, 1), class = b),
                prior(exponential(1), class = sd),
                prior(exponential(1), class = sigma),
                prior(lkj(2), class = cor))""",
    "m2": "c(prior(normal(0, 0.2), class = Intercept), prior(lkj(2), class = cor))",
    "m3": """c(prior(normal(0, 0.2), class = Intercept), prior(normal(0, 1), class = b),
                prior(lkj(2), class = cor))""",
    "m4": """c(prior(normal(0, 0.2), class = Intercept),
              prior(exponential(1), class = sd),
              prior(normal(0,1), class = Intercept, dpar=sigma),
              prior(exponential(1), class = sd, dpar=sigma),
              prior(lkj(2), class = cor))""",
    "m5": """c(prior(normal(0, 0.2), class = Intercept),
              prior(normal(0, 1), class = b),
              prior(exponential(1), class = sd),
              prior(normal(0,1), class = Intercept, dpar=sigma),
              prior(exponential(1), class = sd, dpar=sigma),
              prior(lkj(2), class = cor))""",
}
DESIGNS = {"m1": affect_1, "m2": affect_2, "m3": affect_3, "m4": affect_4, "m5": affect_5}


def affect_spec(name: str) -> Spec:
    """The specification of model ``name`` with its published priors."""
    return build_spec(DESIGNS[name](), GAUSSIAN, as_priors(PRIORS[name]))
