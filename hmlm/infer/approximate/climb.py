"""Uphill on a log density: optax's L-BFGS directions, a line search on the host.

The program of value and gradient is that of :meth:`LogDensity.value_and_grad`, which every approximation
shares: compiling it is most of what a climb takes.

References:
    Nocedal & Wright (2006), doi:10.1007/978-0-387-40065-5: L-BFGS and the Wolfe conditions
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.optimize import line_search

from hmlm.density.log_density import LogDensity
from hmlm.density.precision import double_precision

MEMORY = 20
MOST_STEPS = 500
FLAT = 1e-5  # largest entry of a gradient at a mode; coordinates are of the order of standard deviations

OPTIMISER = optax.scale_by_lbfgs(memory_size=MEMORY)
_update = jax.jit(OPTIMISER.update)

Direction = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Point(NamedTuple):
    """A log density and its (D,) gradient at (D,) ``position``."""

    position: np.ndarray
    value: float
    gradient: np.ndarray

    @property
    def flat(self) -> bool:
        """Whether nothing is left to climb."""
        return bool(np.max(np.abs(self.gradient), initial=0.0) < FLAT)

    @property
    def usable(self) -> bool:
        """Whether log density and gradient are finite."""
        return bool(np.isfinite(self.value) and np.isfinite(self.gradient).all())


class Hill:
    """A log density on the host that counts its evaluations."""

    def __init__(self, density: LogDensity) -> None:
        self.density, self.n_gradients = density, 0
        self._last: Point | None = None

    def at(self, position: np.ndarray) -> Point:
        """The density at (D,) ``position``, minus infinity where it is undefined."""
        if self._last is not None and np.array_equal(self._last.position, position):
            return self._last
        value, gradient = jax.device_get(self.density.value_and_grad(position))
        self.n_gradients += 1
        self._last = Point(np.array(position), -np.inf if np.isnan(value) else float(value), gradient)
        return self._last


def climb(hill: Hill, start: np.ndarray) -> Iterator[Point]:
    """The points of the way from (D,) ``start`` to the nearest mode, or to where no step leads up."""
    point = hill.at(start)
    direction = _directions(start)
    for _ in range(MOST_STEPS):
        yield point
        moved = _step(hill, point, direction) if point.usable and not point.flat else None
        if moved is None:
            return
        point = moved


def _step(hill: Hill, point: Point, direction: Direction) -> Point | None:
    way = direction(point.position, point.gradient)
    downhill = lambda x: -hill.at(x).value  # noqa: E731
    slope = lambda x: -hill.at(x).gradient  # noqa: E731
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        length = line_search(downhill, slope, point.position, way, -point.gradient, -point.value)[0]
    return None if length is None else hill.at(point.position + length * way)


def _directions(start: np.ndarray) -> Direction:
    """(position, gradient) -> the next direction of optax's L-BFGS, always uphill."""
    with double_precision():
        state = OPTIMISER.init(jnp.asarray(start))

    def direction(position: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        nonlocal state
        with double_precision():
            found, state = _update(-jnp.asarray(gradient), state, jnp.asarray(position))
        way = -np.asarray(found)
        return way if way @ gradient > 0 else gradient / np.linalg.norm(gradient)

    return direction
