"""What a prior can reach: every parameter of a model, addressed as brms does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hmlm.spec.blocks import BlockLayout
from hmlm.spec.family import Dpar, Family
from hmlm.spec.series import dependence_of
from hmlm.spec.spec import OF_SERIES
from hmlm.spec.support import Support
from hmlm.types import Dependence, Design, GroupDesign, Outcome, PredictorDesign, SdDesign, SmoothColumns


@dataclass(frozen=True)
class Target:
    """The address of one parameter; ``dpar`` is ``"mu"`` where brms leaves it empty.

    An intercept whose columns are not centred is, as in brms, the coefficient ``Intercept`` of class b.
    """

    class_: str
    coef: str = ""
    group: str = ""
    resp: str = ""
    dpar: str = "mu"

    @property
    def uncentered_intercept(self) -> bool:
        """Whether it is an intercept of class b."""
        return self.class_ == "b" and self.coef == "Intercept"


CORTIME = "cortime"
RESCOR = Target("rescor")


def intercept_target(design: Design, predictor: PredictorDesign, family: Family) -> Target | None:
    """Address of the intercept apart from the columns, None without one or with thresholds in its place."""
    if not predictor.population.intercept or (family.thresholds and predictor.dpar == "mu"):
        return None
    if _outcome_centers(design, predictor.response):
        return Target("Intercept", resp=predictor.response, dpar=predictor.dpar)
    return _coefficient(predictor, "Intercept")


def coefficient_targets(predictor: PredictorDesign) -> tuple[Target, ...]:
    """Addresses of the K population-level coefficients."""
    return tuple(_coefficient(predictor, name) for name in predictor.population.plain)


def monotonic_targets(predictor: PredictorDesign, name: str) -> tuple[Target, Target]:
    """Addresses of the coefficient and the simplex of a monotonic effect."""
    simplex = Target("simo", f"{name}1", resp=predictor.response, dpar=predictor.dpar)
    return _coefficient(predictor, name), simplex


def smooth_target(predictor: PredictorDesign, smooth: SmoothColumns) -> Target:
    """Address of the standard deviation of a smooth function, as in brms one for all levels of ``by``."""
    return Target("sds", smooth.term.text, resp=predictor.response, dpar=predictor.dpar)


def sd_targets(predictor: PredictorDesign, group: GroupDesign) -> tuple[Target, ...]:
    """Addresses of the Q standard deviations of one group-level term, as in brms one for all by-levels."""
    return tuple(
        Target("sd", name, group.term.factor, predictor.response, predictor.dpar)
        for name in group.coefficients
    )


def sd_coefficient_targets(part: SdDesign) -> tuple[Target, ...]:
    """Addresses of the W coefficients that standard deviations between levels depend on: dpar ``"sd_id"``."""
    return tuple(Target("b", name, resp=part.response, dpar=f"sd_{part.name}") for name in part.names)


def constant_targets(design: Design, family: Family) -> dict[tuple[str, str], Target]:
    """Addresses of the distributional parameters without a formula, by outcome and parameter, and of ``ar``.

    Each is a class of its own, but thresholds, which are intercepts.
    """
    modelled = {(p.response, p.dpar) for p in design.predictors}
    constant = {
        (outcome.name, parameter.name): _constant_target(outcome, parameter)
        for outcome in design.outcomes
        for parameter in family.parameters
        if (outcome.name, parameter.name) not in modelled and not _is_known(outcome, parameter)
    }
    of_series = {
        (outcome.name, dependence.value): Target(dependence.value, resp=outcome.name)
        for outcome in design.outcomes
        if (dependence := dependence_of(outcome)) is not None and dependence.value in OF_SERIES
    }
    return constant | of_series


def cortime_targets(design: Design) -> tuple[Target, ...]:
    """Address of the correlations between occasions, ``unstr()``; none without it."""
    kinds = [(outcome.name, dependence_of(outcome)) for outcome in design.outcomes]
    return tuple(Target(CORTIME, resp=name) for name, kind in kinds if kind is Dependence.UNSTR)


def _constant_target(outcome: Outcome, parameter: Dpar) -> Target:
    if parameter.support is Support.ORDERED:
        return Target("Intercept", parameter.coef, resp=outcome.name)
    return Target(parameter.name, resp=outcome.name)


def _is_known(outcome: Outcome, parameter: Dpar) -> bool:
    """Whether it is not estimated: fixed by its family, or sigma where standard errors are given instead."""
    if parameter.name != "sigma":
        return parameter.fixed is not None
    return "se" in outcome.additions and not np.any(outcome.additions["se_sigma"])


def cor_target(factor: str) -> Target:
    """Address of the correlations of a factor's effects."""
    return Target("cor", group=factor)


def has_matrix(design: Design) -> bool:
    """Whether residuals have one correlation matrix, rather than none or a formula for it."""
    return bool(design.formula.rescor) and not design.formula.joint


def list_targets(design: Design, family: Family, layouts: tuple[BlockLayout, ...]) -> tuple[Target, ...]:
    """All parameters that have a prior, each once, in the order of the predictors."""
    return tuple(dict.fromkeys(_all_targets(design, family, layouts)))


def _all_targets(design: Design, family: Family, layouts: tuple[BlockLayout, ...]) -> Iterator[Target]:
    for predictor in design.predictors:
        intercept = intercept_target(design, predictor, family)
        if intercept is not None:
            yield intercept
        yield from coefficient_targets(predictor)
        for name, _ in predictor.population.monotonic:
            yield from monotonic_targets(predictor, name)
        for smooth in predictor.population.smooths:
            yield smooth_target(predictor, smooth)
        for group in predictor.groups:
            yield from sd_targets(predictor, group)
    for part in design.sds:
        yield from sd_coefficient_targets(part)
    yield from (cor_target(layout.factor) for layout in layouts if layout.free)
    yield from constant_targets(design, family).values()
    yield from cortime_targets(design)
    if has_matrix(design):
        yield RESCOR


def _coefficient(predictor: PredictorDesign, name: str) -> Target:
    return Target("b", name, resp=predictor.response, dpar=predictor.dpar)


def _outcome_centers(design: Design, response: str) -> bool:
    own = zip(design.outcomes, design.formula.outcomes, strict=True)
    return all(formula.center for outcome, formula in own if response in ("", outcome.name))
