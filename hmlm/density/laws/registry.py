"""Which law a family has."""

from __future__ import annotations

from collections.abc import Mapping

from hmlm.density.laws import (
    bernoulli,
    binomial,
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


def law_of(family: Family) -> Law:
    """The mathematics of a family."""
    return family.custom or LAWS[family.name]
