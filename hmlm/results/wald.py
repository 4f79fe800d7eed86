"""Wald intervals on the scale where each kind of parameter is most nearly normal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtri

from hmlm.results.table import check_prob

Scale = tuple[Callable, Callable, Callable]  # there, back, derivative

IDENTITY: Scale = (lambda x: x, lambda x: x, np.ones_like)
LOG: Scale = (np.log, np.exp, lambda x: 1.0 / x)
FISHER: Scale = (np.arctanh, np.tanh, lambda x: 1.0 / (1.0 - x**2))
SCALES = {"sd_": LOG, "sigma": LOG, "cor_": FISHER, "rescor__": FISHER}


def wald_intervals(
    names: Sequence[str], values: np.ndarray, errors: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends; NaN where there is no standard error.

    Args:
        names: brms's, which say the kind: standard deviations on the log scale, correlations by Fisher's z.
        values, errors: (P,) estimates and standard errors.
        level: coverage.
    """
    check_prob(level)
    z = float(ndtri(0.5 + level / 2))
    ends = np.array([_interval(*row, z) for row in zip(names, values, errors, strict=True)]).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def _interval(name: str, value: float, error: float, z: float) -> tuple[float, float]:
    if not np.isfinite(error):
        return np.nan, np.nan
    there, back, derivative = _scale(name)
    middle, width = there(value), z * error * derivative(value)
    return float(back(middle - width)), float(back(middle + width))


def _scale(name: str) -> Scale:
    found = [scale for prefix, scale in SCALES.items() if name.startswith(prefix)]
    return found[0] if found else IDENTITY
