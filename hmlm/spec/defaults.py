"""brms's default priors."""

from __future__ import annotations

import numpy as np

from hmlm.spec.distribution import FLAT
from hmlm.spec.target import Target
from hmlm.types import Distribution

DEGREES_OF_FREEDOM = 3.0
SMALLEST_SCALE = 2.5
NORMAL_MAD = 1.4826


def default_prior(target: Target, values: np.ndarray | None) -> Distribution:
    """The prior of ``target`` if the user says nothing.

    Intercept ``student_t(3, median(y), max(2.5, mad(y)))``; sd and sigma the half of it at 0; those
    of another parameter than mu ``student_t(3, 0, 2.5)``; b flat; correlations ``lkj(1)``.

    Args:
        target: the parameter.
        values: (N,) values of its outcome; None for correlations, which have no single outcome.
    """
    if target.class_ == "b":
        return FLAT
    if target.class_ in ("cor", "rescor") or values is None:
        return Distribution("lkj", (1.0,))
    center, scale = _center_and_scale(values) if target.dpar == "mu" else (0.0, SMALLEST_SCALE)
    location = center if target.class_ == "Intercept" else 0.0
    return Distribution("student_t", (DEGREES_OF_FREEDOM, location, scale))


def _center_and_scale(values: np.ndarray) -> tuple[float, float]:
    median = np.median(values)
    mad = NORMAL_MAD * np.median(np.abs(values - median))
    return _round(median), max(SMALLEST_SCALE, _round(mad))


def _round(value: float) -> float:
    return float(np.round(value, 1)) + 0.0
