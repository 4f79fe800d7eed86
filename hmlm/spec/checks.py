"""What a design must satisfy before it is a model."""

from __future__ import annotations

import warnings

from hmlm.formula.checks import collinear_columns
from hmlm.spec.distribution import is_flat
from hmlm.spec.family import Family
from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.spec import Predictor
from hmlm.types import DataError, DataWarning, Design, FormulaError, PredictorDesign


def check_family(design: Design, family: Family) -> None:
    """Raise FormulaError if the formula models a parameter the family lacks, or correlates it cannot."""
    for predictor in design.predictors:
        if predictor.dpar not in family.dpars:
            choice = f"{listed(family.dpars)}{did_you_mean(predictor.dpar, family.dpars)}"
            raise FormulaError(f"the family {family.name} has no parameter {predictor.dpar!r}, only {choice}")
    if design.formula.rescor and not family.multivariate:
        raise FormulaError(f"the family {family.name} has no residual correlation; use set_rescor(False)")
    if design.formula.rescor and len(design.outcomes) == 1:
        raise FormulaError(
            f"set_rescor(True) needs several outcomes, there is only {design.outcomes[0].column!r}; "
            "add another bf(...) or leave it out"
        )


def check_collinearity(design: PredictorDesign, predictor: Predictor) -> None:
    """Raise DataError if columns that depend on each other have a flat prior; warn if all are proper."""
    population = design.population
    priors = dict(zip(predictor.names, predictor.priors, strict=True))
    for names in collinear_columns(population.matrix, population.names, population.intercept):
        message = f"columns {listed(names)} of {design.dpar} depend on each other linearly"
        flat = [name for name in names if name in priors and is_flat(priors[name])]
        if flat:
            raise DataError(
                f"{message}, and {listed(flat)} have a flat prior: drop one of the columns, "
                'or give them proper priors, prior("normal(0, 1)", class_="b")'
            )
        warnings.warn(f"{message}; only their priors tell them apart", DataWarning, stacklevel=3)
