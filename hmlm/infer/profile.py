"""Profile likelihood intervals: how far one parameter can go before the rest cannot make up for it.

With ``D(c)`` the deviance at the best of all other parameters given that one is c, an end of the interval
solves ``sqrt(D(c) - D) = z``; at the boundary of a parameter (a standard deviation of zero, a correlation of
one) the interval ends.

References:
    Venzon & Moolgavkar (1988), doi:10.2307/2347496
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from hmlm.density.surface import Fixed, Point, Surface
from hmlm.infer.maximum import polish

EXPANSIONS = 12
WIDEN = 1.6
NOTHING = 1e-9  # a standard deviation of zero that remembers its sign
TOLERANCE = 1e-6  # of an end, in standard errors


class Coordinate(NamedTuple):
    """``direction' theta``, (k,).

    ``guarded`` are the positions of a correlation's standard deviations: where one would change its sign, and
    the correlation with it, it stays at zero.
    """

    direction: np.ndarray
    guarded: tuple[int, ...] = ()


class Coefficient(NamedTuple):
    """``direction' delta``, (P,): a coefficient of a mean."""

    direction: np.ndarray


class Line(NamedTuple):
    """A parameter as a line through the maximum.

    Attributes:
        surface: with coordinates in which the parameter is a function of one.
        top: the maximum, in them.
        of: which coordinate.
        value: of the coordinate at the maximum.
        error: its standard error, infinite where there is none.
        bounds: of the coordinate.
    """

    surface: Surface
    top: Point
    of: Coordinate | Coefficient
    value: float
    error: float
    bounds: tuple[float, float]


@dataclass
class _Track:
    """Points found so far along a line: the nearest is where the next search starts."""

    line: Line
    found: dict[float, Point]

    def root_deviance(self, value: float) -> float:
        """``sqrt(D(value) - D)``."""
        nearest = min(self.found, key=lambda known: abs(known - value))
        point = _best_at(self.line, value, self.found[nearest])
        self.found[value] = point
        return float(np.sqrt(max(2 * (point.value - self.line.top.value), 0.0)))


def interval(line: Line, z: float) -> tuple[Point | None, Point | None]:
    """The points where the profile ends on either side of the coordinate, None where no end was found."""
    return tuple(_end(line, z, side) for side in (-1, 1))


def _end(line: Line, z: float, side: int) -> Point | None:
    track = _Track(line, {line.value: line.top})
    bound = line.bounds[side > 0]
    inside = line.value
    step = z * line.error if np.isfinite(line.error) else 0.5
    for _ in range(EXPANSIONS):
        outside = float(np.clip(line.value + side * step, *line.bounds))
        rise = track.root_deviance(outside)
        if not np.isfinite(rise):
            return None
        if rise >= z:
            value = _crossing(track.root_deviance, inside, outside, z, line.error)
            return track.found[value]
        if outside == bound:
            return track.found[bound]
        inside, step = outside, WIDEN * step
    return None


def _crossing(function: Callable[[float], float], a: float, b: float, z: float, error: float) -> float:
    tolerance = TOLERANCE * (error if np.isfinite(error) else abs(b - a))
    value = float(brentq(lambda c: function(c) - z, a, b, xtol=tolerance))
    function(value)
    return value


def _best_at(line: Line, value: float, near: Point) -> Point:
    """The best point at which the coordinate has a value."""
    match line.of:
        case Coefficient(direction):
            fixed = Fixed(direction, value)
            return polish(line.surface, line.surface.at(near.theta, fixed), None, fixed).point
        case Coordinate(direction, guarded):
            shift = direction * (value - direction @ near.theta) / (direction @ direction)
            return _best_along(line, line.surface.at(near.theta + shift), direction, guarded)


def _best_along(line: Line, start: Point, direction: np.ndarray, guarded: tuple[int, ...]) -> Point:
    best = polish(line.surface, start, direction[None]).point
    turned = [p for p in guarded if best.theta[p] * line.top.theta[p] < 0]
    held = [_best_without(line, start, direction, position) for position in turned]
    return min(held, key=lambda point: point.value, default=best)


def _best_without(line: Line, start: Point, direction: np.ndarray, position: int) -> Point:
    """The best point with the coordinate where it is and a standard deviation at zero."""
    theta = start.theta.copy()
    theta[position] = NOTHING * np.sign(line.top.theta[position])
    rows = np.stack([direction, np.eye(len(theta))[position]])
    return polish(line.surface, line.surface.at(theta), rows).point
