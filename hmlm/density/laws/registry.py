"""Which law a family has."""

from __future__ import annotations

from collections.abc import Mapping

from hmlm.density.laws import (
    bernoulli,
    beta,
    beta_binomial,
    binomial,
    exponential,
    gamma,
    gaussian,
    geometric,
    hurdle,
    inverse_gaussian,
    lognormal,
    negbinomial,
    poisson,
    skew_normal,
    student,
    weibull,
    zero_inflated,
)
from hmlm.density.laws.law import Law
from hmlm.spec.family import Family

LAWS: Mapping[str, Law] = {
    "bernoulli": bernoulli.LAW,
    "beta": beta.LAW,
    "beta_binomial": beta_binomial.LAW,
    "binomial": binomial.LAW,
    "exponential": exponential.LAW,
    "gamma": gamma.LAW,
    "gaussian": gaussian.LAW,
    "geometric": geometric.LAW,
    "hurdle_gamma": hurdle.GAMMA,
    "hurdle_poisson": hurdle.POISSON,
    "inverse_gaussian": inverse_gaussian.LAW,
    "lognormal": lognormal.LAW,
    "negbinomial": negbinomial.LAW,
    "poisson": poisson.LAW,
    "skew_normal": skew_normal.LAW,
    "student": student.LAW,
    "weibull": weibull.LAW,
    "zero_inflated_binomial": zero_inflated.BINOMIAL,
    "zero_inflated_negbinomial": zero_inflated.NEGBINOMIAL,
    "zero_inflated_poisson": zero_inflated.POISSON,
}


def law_of(family: Family) -> Law:
    """The mathematics of a family."""
    return family.custom or LAWS[family.name]
