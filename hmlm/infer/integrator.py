"""One step along a trajectory of the Hamiltonian, reversible and volume preserving.

In many dimensions not stability but accuracy limits the step: there a step of two stages, each with a
gradient of its own, goes more than twice as far as two leapfrogs for the same error of the energy, and checks
for a U-turn are half as many. Where dimensions are few a trajectory of NUTS is but a few steps, whose number
matters more, and stability in narrow places too: leapfrogs.

References:
    Blanes, Casas & Sanz-Serna (2014), doi:10.1137/130932740: the two stages that are best in many dimensions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jax import Array

MANY_DIMENSIONS = 100
OUTER = 0.21178  # of a step, for the momentum before the first and after the second stage


class Place(NamedTuple):
    """Where the density was evaluated: (D,) ``position``, ``log_density``, its (D,) ``gradient``."""

    position: Array
    log_density: Array
    gradient: Array


class Point(NamedTuple):
    """A point of a trajectory: (D,) ``offset`` from its start, ``momentum``, ``gradient`` by the offset."""

    offset: Array
    momentum: Array
    gradient: Array


Evaluate = Callable[[Array], tuple[Place, Array]]
"""(D,) offset -> the place there, and the (D,) gradient by the offset."""

Move = Callable[[Evaluate, Array, Point], tuple[Place, Point]]
"""Evaluate, half a step's length and a point -> the place of the next point, and that point."""


def leapfrog(evaluate: Evaluate, half_step: Array, point: Point) -> tuple[Place, Point]:
    """A step of one gradient."""
    halfway = point.momentum + half_step * point.gradient
    offset = point.offset + 2 * half_step * halfway
    place, gradient = evaluate(offset)
    return place, Point(offset, halfway + half_step * gradient, gradient)


def two_stages(evaluate: Evaluate, half_step: Array, point: Point) -> tuple[Place, Point]:
    """A step of two gradients."""
    outer, inner = 2 * OUTER * half_step, 2 * (1 - 2 * OUTER) * half_step
    momentum = point.momentum + outer * point.gradient
    middle = point.offset + half_step * momentum
    _, gradient = evaluate(middle)
    momentum = momentum + inner * gradient
    offset = middle + half_step * momentum
    place, gradient = evaluate(offset)
    return place, Point(offset, momentum + outer * gradient, gradient)


def move_in(n_dimensions: int) -> Move:
    """The step that suits so many dimensions."""
    return two_stages if n_dimensions >= MANY_DIMENSIONS else leapfrog


def gradients_per_step(n_dimensions: int) -> int:
    """How many gradients it takes."""
    return 2 if move_in(n_dimensions) is two_stages else 1
