"""What a prior can reach: every parameter of a model, addressed as brms does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hmlm.spec.blocks import BlockLayout
from hmlm.spec.family import Family
from hmlm.types import Design, GroupDesign, Outcome, PredictorDesign


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


RESCOR = Target("rescor")


def intercept_target(design: Design, predictor: PredictorDesign) -> Target | None:
    """Address of the intercept apart from the columns, None without one."""
    if not predictor.population.intercept:
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


def sd_targets(predictor: PredictorDesign, group: GroupDesign) -> tuple[Target, ...]:
    """Addresses of the Q standard deviations of one group-level term, as in brms one for all by-levels."""
    return tuple(
        Target("sd", name, group.term.factor, predictor.response, predictor.dpar)
        for name in group.coefficients
    )


def constant_targets(design: Design, family: Family) -> tuple[Target, ...]:
    """Addresses of the distributional parameters without a formula; each is a class of its own."""
    modelled = {(p.response, p.dpar) for p in design.predictors}
    return tuple(
        Target(dpar, resp=outcome.name)
        for outcome in design.outcomes
        for dpar in family.dpars[1:]
        if (outcome.name, dpar) not in modelled and not _is_known(outcome, dpar)
    )


def _is_known(outcome: Outcome, dpar: str) -> bool:
    """Whether standard errors are given in place of sigma."""
    return dpar == "sigma" and "se" in outcome.additions and not np.any(outcome.additions["se_sigma"])


def cor_target(factor: str) -> Target:
    """Address of the correlations of a factor's effects."""
    return Target("cor", group=factor)


def list_targets(design: Design, family: Family, layouts: tuple[BlockLayout, ...]) -> tuple[Target, ...]:
    """All parameters that have a prior, each once, in the order of the predictors."""
    return tuple(dict.fromkeys(_all_targets(design, family, layouts)))


def _all_targets(design: Design, family: Family, layouts: tuple[BlockLayout, ...]) -> Iterator[Target]:
    for predictor in design.predictors:
        intercept = intercept_target(design, predictor)
        if intercept is not None:
            yield intercept
        yield from coefficient_targets(predictor)
        for name, _ in predictor.population.monotonic:
            yield from monotonic_targets(predictor, name)
        for group in predictor.groups:
            yield from sd_targets(predictor, group)
    yield from (cor_target(layout.factor) for layout in layouts if layout.correlated)
    yield from constant_targets(design, family)
    if design.formula.rescor:
        yield RESCOR


def _coefficient(predictor: PredictorDesign, name: str) -> Target:
    return Target("b", name, resp=predictor.response, dpar=predictor.dpar)


def _outcome_centers(design: Design, response: str) -> bool:
    names = [outcome.name for outcome in design.outcomes]
    return design.formula.outcomes[names.index(response)].center
