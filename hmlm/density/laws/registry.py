"""Which law a family has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from hmlm.density.laws import (
    bernoulli,
    binomial,
    categorical,
    cumulative,
    gamma,
    gaussian,
    lognormal,
    negbinomial,
    poisson,
    student,
)
from hmlm.density.laws.law import Law
from hmlm.spec.family import Family

LAWS: Mapping[str, Law] = {
    "bernoulli": bernoulli.LAW,
    "binomial": binomial.LAW,
    "gamma": gamma.LAW,
    "gaussian": gaussian.LAW,
    "lognormal": lognormal.LAW,
    "negbinomial": negbinomial.LAW,
    "poisson": poisson.LAW,
    "student": student.LAW,
}


MADE: Mapping[str, Callable[[Family], Law]] = {
    "categorical": categorical.make_law,
    "cumulative": cumulative.make_law,
}  # of families whose parameters depend on the outcome's levels


def law_of(family: Family) -> Law:
    """The mathematics of a family."""
    return _made(family) if family.levels else family.custom or LAWS[family.name]


@cache
def _made(family: Family) -> Law:
    return MADE[family.name](family)
