"""Profile intervals of parameters by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from hmlm.density.surface import Point, Surface
from hmlm.infer.estimate import Estimates, estimate
from hmlm.infer.lines import line_of
from hmlm.infer.maximum import Maximum, maximise
from hmlm.infer.profile import interval


def profile_intervals(
    surface: Surface, maximum: Maximum, names: Sequence[str], level: float
) -> dict[str, tuple[float, float]]:
    """Lower and upper end of each parameter's profile interval; NaN where no end was found.

    The likelihood that is profiled is the full one, after REML too, as in lme4: restricted likelihoods do not
    compare coefficients.
    """
    if surface.restricted:
        surface = replace(surface, restricted=False)
        maximum = maximise(surface, maximum.point.theta)
    estimates = estimate(surface, maximum)
    z = float(ndtri(0.5 + level / 2))
    return {name: _of_parameter(surface, maximum.point, estimates, name, z) for name in names}


def _of_parameter(
    surface: Surface, top: Point, estimates: Estimates, name: str, z: float
) -> tuple[float, float]:
    index = estimates.names.index(name)
    if np.isnan(estimates.values[index]):
        return np.nan, np.nan
    line = line_of(surface, top, estimates, name)
    at = lambda point: line.surface.reported(point.theta, point.delta)[index]
    ends = [np.nan if point is None else float(at(point)) for point in interval(line, z)]
    return _ordered(ends, estimates.values[index])


def _ordered(ends: list[float], value: float) -> tuple[float, float]:
    """Lower and upper end around a value; a coordinate may run against its parameter."""
    known = [end for end in ends if not np.isnan(end)]
    if len(known) == 2:
        return min(known), max(known)
    return min([e for e in known if e <= value], default=np.nan), max(
        [e for e in known if e > value], default=np.nan
    )
