"""brms's default priors."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from hmlm.spec.distribution import FLAT
from hmlm.spec.family import Family
from hmlm.spec.spec import OF_SERIES, RESCOR_DPAR
from hmlm.spec.support import Support
from hmlm.spec.target import CORTIME, Target
from hmlm.types import Distribution

DEGREES_OF_FREEDOM = 3.0
SMALLEST_SCALE = 2.5
NORMAL_MAD = 1.4826
ABOVE_ZERO = 0.1  # added to outcomes with zeros before a link that has no value there

OF_SCALES = Distribution("student_t", (DEGREES_OF_FREEDOM, 0.0, SMALLEST_SCALE))
INTERCEPT_OF_RESCOR = Distribution("normal", (0.0, 1.0))

Values = np.ndarray

LINKS: Mapping[str, Callable[[Values], Values]] = {
    "identity": lambda y: y,
    "log": np.log,
    "sqrt": np.sqrt,
    "inverse": lambda y: 1 / y,
    "1/mu^2": lambda y: y**-2.0,
}
UNDEFINED_AT_ZERO = ("log", "inverse", "1/mu^2")


def default_prior(target: Target, family: Family, values: Values | None) -> Distribution:
    """The prior of ``target`` if the user says nothing.

    With z the outcome on the scale of mu's link (the outcome as it is where that link is for probabilities,
    whose defaults do not look at it): Intercept ``student_t(3, median(z), max(2.5, mad(z)))``; sd and sigma
    the half of it at 0; of another parameter that has a formula, what its family says for the Intercept and
    half ``student_t(3, 0, 2.5)`` for sd; b flat; correlations ``lkj(1)``; the steps of monotonic effects
    ``dirichlet(1)``. A formula of the residual correlation, which brms lacks, has ``normal(0, 1)`` for its
    Intercept: 95 % within -0.96 and 0.96.

    Args:
        target: the parameter.
        family: of its outcome.
        values: (N,) values of its outcome; None for correlations, which have no single outcome.
    """
    if target.class_ in ("b", *OF_SERIES):
        return FLAT
    if target.class_ == "simo":
        return Distribution("dirichlet", (1.0,))
    if target.dpar == RESCOR_DPAR:
        return INTERCEPT_OF_RESCOR if target.class_ == "Intercept" else OF_SCALES
    if target.class_ in ("cor", "rescor", CORTIME) or values is None:
        return Distribution("lkj", (1.0,))
    if target.class_ in family.dpars:
        known = family.parameter(target.class_).prior
        if known is not None:
            return known
    if target.dpar != "mu":
        of_intercept = family.parameter(target.dpar).intercept if target.class_ == "Intercept" else None
        return of_intercept or OF_SCALES
    center, scale = _center_and_scale(family, values)
    location = center if target.class_ == "Intercept" else 0.0
    return Distribution("student_t", (DEGREES_OF_FREEDOM, location, scale))


def _center_and_scale(family: Family, values: Values) -> tuple[float, float]:
    link = family.link("mu")
    if link not in LINKS or family.parameter("mu").support is Support.UNIT:
        return 0.0, SMALLEST_SCALE
    values = np.log(values) if family.log_outcome else values
    shift = ABOVE_ZERO if link in UNDEFINED_AT_ZERO and np.min(values) == 0 else 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        transformed = LINKS[link](values + shift)
    if not np.all(np.isfinite(transformed)):
        return 0.0, SMALLEST_SCALE
    median = np.median(transformed)
    mad = NORMAL_MAD * np.median(np.abs(transformed - median))
    return _round(median), max(SMALLEST_SCALE, _round(mad))


def _round(value: float) -> float:
    return float(np.round(value, 1)) + 0.0
