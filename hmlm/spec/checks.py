"""What a design must satisfy before it is a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from hmlm.formula.checks import collinear_columns
from hmlm.formula.notice import notice
from hmlm.spec.distribution import is_flat
from hmlm.spec.family import Family
from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.names import effects_name, summary_rows
from hmlm.spec.spec import RESCOR_DPAR, Predictor, SdPredictor, Spec
from hmlm.types import DataError, Design, Distribution, FormulaError, GroupDesign, PredictorDesign, SdDesign

SHOWN = 6  # names in one message
TRUTH = ("FALSE", "TRUE")


def check_family(design: Design, family: Family) -> None:
    """Refuse what the family cannot be asked for.

    Raises:
        FormulaError: a parameter or an addition term that it lacks, or a residual correlation that it cannot
            have.
        DataError: an outcome of text or categories where it models numbers.
    """
    check_outcome_kind(design, family)
    check_additions(design, family)
    for predictor in design.predictors:
        if predictor.dpar not in (*family.modelled, RESCOR_DPAR):
            choice = f"{listed(family.modelled)}{did_you_mean(predictor.dpar, family.modelled)}"
            raise FormulaError(f"the family {family.name} has no parameter {predictor.dpar!r}, only {choice}")
    if design.formula.rescor:
        _check_correlation(design, family)


def _check_correlation(design: Design, family: Family) -> None:
    """Refuse a residual correlation where there is no multivariate normal distribution of the outcomes."""
    if not family.multivariate:
        raise FormulaError(f"the family {family.name} has no residual correlation; use set_rescor(False)")
    if len(design.outcomes) == 1:
        raise FormulaError(
            f"set_rescor(True) needs several outcomes, there is only {design.outcomes[0].column!r}; "
            "add another bf(...) or leave it out"
        )
    for outcome in design.formula.outcomes:
        if outcome.additions:
            raise FormulaError(
                f"`{outcome.left}`: an outcome with {outcome.additions[0][0]}() has no residual correlation "
                "with others; use set_rescor(False), or leave the addition term out"
            )


def check_outcome_kind(design: Design, family: Family) -> None:
    """Raise DataError if an outcome is text or categories and the family models numbers."""
    for outcome, formula in zip(design.outcomes, design.formula.outcomes, strict=True):
        if outcome.levels and outcome.levels != TRUTH and not family.labelled:
            raise DataError(
                f"`{formula.left} ~ {formula.mu.text}`: column '{outcome.column}' is not numeric (its levels "
                f"are {_few(outcome.levels)}), and the family {family.name} models numbers; convert it with "
                "pd.to_numeric, or code its levels as 0 and 1"
            )


def check_additions(design: Design, family: Family) -> None:
    """Raise FormulaError if an outcome has an addition term that the family does not take."""
    for outcome in design.formula.outcomes:
        for name, arguments in outcome.additions:
            if name not in family.additions:
                takes = ", ".join(f"{term}()" for term in family.additions) or "none"
                raise FormulaError(
                    f"`{outcome.left} ~ {outcome.mu.text}`: the family {family.name} does not take "
                    f"{name}({arguments}) left of `~`; it takes {takes}"
                )


def check_outcomes(design: Design) -> None:
    """Raise DataError if outcomes with a residual correlation determine each other."""
    if not design.formula.rescor:
        return
    matrix = np.column_stack([outcome.values for outcome in design.outcomes])
    for names in collinear_columns(matrix, [outcome.column for outcome in design.outcomes], True):
        raise DataError(
            f"outcomes {listed(names)} depend on each other linearly, so that their residuals have a "
            "correlation matrix without an inverse; drop one, or use set_rescor(False)"
        )


def check_levels(design: Design, family: Family) -> None:
    """Warn of a factor with a level per row where sigma already varies by row."""
    for factor in design.factors:
        if "sigma" in family.dpars and len(factor.levels) == design.n_rows:
            notice(
                f"'{factor.name}' has a level of its own in each of the {design.n_rows} rows: only the "
                "priors tell its standard deviation from sigma; leave the term out, or use a coarser factor"
            )


def check_collinearity(design: PredictorDesign, predictor: Predictor) -> None:
    """Raise DataError if columns that depend on each other have a flat prior; warn if all are proper."""
    population = design.population
    priors = dict(zip(predictor.names, predictor.priors, strict=True))
    _check_size(design, priors)
    for names in collinear_columns(population.matrix, population.names, population.intercept):
        _check_dependence(_dependence(names, design.dpar), names, priors, "b")


def check_group_collinearity(group: GroupDesign, priors: Sequence[Distribution]) -> None:
    """The same for the columns of a group-level term, whose sd have ``priors``."""
    first = int(group.names[0] == "Intercept")
    named = dict(zip(group.names, priors, strict=True))
    for names in collinear_columns(group.matrix[:, first:], group.names[first:], first == 1):
        where = f"the term that varies by '{group.term.factor}'"
        _check_dependence(_dependence(names, where), names, named, "sd")


def check_sd_collinearity(part: SdDesign, predictor: SdPredictor) -> None:
    """The same for covariates of levels, which must be fewer than levels."""
    priors, where = dict(zip(part.names, predictor.priors, strict=True)), f"sd({part.name})"
    n_levels = len(part.matrix)
    if len(part.names) >= n_levels:
        message = f"{where} has {len(part.names)} covariates but '{part.factor}' only {n_levels} levels"
        _check_dependence(message, part.names, priors, "b", f"sd_{part.name}")
    for names in collinear_columns(part.matrix, part.names, True):
        _check_dependence(_dependence(names, where), names, priors, "b", f"sd_{part.name}")


def check_names(spec: Spec) -> None:
    """Raise DataError if two parameters, or a parameter and a grouping factor, would share a name."""
    names = [row.variable for row in summary_rows(spec)]
    effects = {effects_name(spec, b.factor, t.predictor) for b in spec.blocks for t in b.terms}
    for name, count in Counter([*names, *effects]).items():
        if count > 1:
            raise DataError(
                f"{count} parameters would be called '{name}': the name of a column joins with that of a "
                "parameter, outcome or factor in several ways; rename the column"
            )
    for factor in spec.factors:
        if factor.name in (*names, *effects):
            raise DataError(
                f"the grouping factor '{factor.name}' has the name of a parameter; rename the column, for "
                f"example to '{factor.name}_id'"
            )


def _check_size(design: PredictorDesign, priors: Mapping[str, Distribution]) -> None:
    """As many coefficients as rows fit any outcome exactly."""
    n_rows, n = len(design.population.matrix), len(priors) + design.population.intercept
    if n < n_rows or not priors:
        return
    message = f"{design.dpar} has {n} coefficients but there are only {n_rows} rows"
    _check_dependence(message, tuple(priors), priors, "b")


def _dependence(names: Sequence[str], where: str) -> str:
    if len(names) == 1:
        return f"column {names[0]!r} of {where} is 0 in every row"
    return f"columns {_few(names)} of {where} depend on each other linearly"


def _check_dependence(
    message: str, names: Sequence[str], priors: Mapping[str, Distribution], class_: str, dpar: str = ""
) -> None:
    flat = [name for name in names if name in priors and is_flat(priors[name])]
    if flat:
        has, of = "has" if len(flat) == 1 else "have", f', dpar="{dpar}"' if dpar else ""
        raise DataError(
            f"{message}, and {_few(flat)} {has} a flat prior: drop one of the columns, "
            f'or give them proper priors, prior("normal(0, 1)", class_="{class_}"{of})'
        )
    notice(f"{message}; only their priors tell them apart")


def _few(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return listed(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
