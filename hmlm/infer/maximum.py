"""Climb a likelihood: L-BFGS from the pilot, then Newton steps to the last digits.

Hessians are differences of gradients: a few calls of one compiled program, and no second one to compile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.linalg import null_space

from hmlm.density.precision import double_precision
from hmlm.density.surface import Fixed, Point, Surface

MEMORY = 10
DESCENT_STEPS = 200
NEWTON_STEPS = 25
ROUGH = 1e-3  # predicted rise of the log likelihood at which Newton takes over
FINE = 1e-13  # predicted rise at which nothing is left to gain
CONVERGED = 1e-6
STEP = 1e-4  # of the differences, relative to coordinates beyond one
LEVEL = 1e-6  # curvature below which a coordinate has none
FLAT = 1e-7  # the same of a direction, where every coordinate has curvature one
HALVINGS = 30

OPTIMISER = optax.scale_by_lbfgs(memory_size=MEMORY)
_update = jax.jit(OPTIMISER.update)


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is largest.

    Attributes:
        point: the place.
        covariance: (k, k) of theta: the inverse of the curvature, zero in directions that have none.
        rise: by how much a quadratic predicts the log likelihood could still rise.
        flat: whether some direction has no curvature though its coordinates have.
    """

    point: Point
    covariance: np.ndarray
    rise: float
    flat: bool

    @property
    def converged(self) -> bool:
        """Whether nothing is left to gain."""
        return self.rise < CONVERGED


def maximise(surface: Surface, theta: np.ndarray | None = None) -> Maximum:
    """The maximum near ``theta``, by default near the pilot."""
    start = surface.at(surface.start if theta is None else theta)
    return polish(surface, _descend(surface, start))


def polish(
    surface: Surface, point: Point, held: np.ndarray | None = None, fixed: Fixed | None = None
) -> Maximum:
    """Newton's method from ``point``.

    Args:
        surface: what to climb.
        point: where from, taken with ``fixed``.
        held: (m, k) directions of theta that it may not move in.
        fixed: what is held of the means' coefficients.
    """
    basis = _free_directions(point.theta, held)
    for _ in range(NEWTON_STEPS):
        curvature = hessian(surface, point, basis, fixed)
        if not np.isfinite(curvature).all():
            return Maximum(point, np.full((len(basis), len(basis)), np.nan), np.inf, flat=False)
        spread, flat = _inverse(curvature)
        gradient = basis.T @ point.gradient
        rise = 0.5 * float(gradient @ spread @ gradient)
        if rise < FINE:
            break
        moved = _backtrack(surface, point, -basis @ spread @ gradient, fixed)
        if moved is None:
            break
        point = moved
    return Maximum(point, basis @ spread @ basis.T, rise, flat)


def hessian(surface: Surface, point: Point, basis: np.ndarray, fixed: Fixed | None = None) -> np.ndarray:
    """(r, r) second derivatives along the columns of ``basis``, by central differences of gradients."""
    gradient = lambda step: surface.at(point.theta + step, fixed).gradient
    columns = [basis.T @ (gradient(STEP * d) - gradient(-STEP * d)) / (2 * STEP) for d in basis.T]
    matrix = np.array(columns).reshape(basis.shape[1], basis.shape[1])
    return 0.5 * (matrix + matrix.T)


def _free_directions(theta: np.ndarray, held: np.ndarray | None) -> np.ndarray:
    """(k, r) directions in units of the coordinates, across those that are held."""
    units = np.maximum(np.abs(theta), 1.0)
    return np.diag(units) if held is None else units[:, None] * null_space(held * units)


def _inverse(curvature: np.ndarray) -> tuple[np.ndarray, bool]:
    """Inverse over the directions that have curvature, and whether one has none though its coordinates have.

    Negative curvature is turned, so that steps go up.
    """
    diagonal = np.abs(np.diag(curvature))
    curved = diagonal > LEVEL
    units = np.where(curved, 1.0 / np.sqrt(np.maximum(diagonal, LEVEL)), 0.0)
    values, vectors = np.linalg.eigh(curvature * np.outer(units, units))
    size = np.abs(values)
    inverse = np.where(size > FLAT, 1.0 / np.maximum(size, FLAT), 0.0)
    flat = int(np.sum(size > FLAT)) < int(np.sum(curved))
    return units[:, None] * ((vectors * inverse) @ vectors.T) * units, flat


def _backtrack(surface: Surface, point: Point, step: np.ndarray, fixed: Fixed | None = None) -> Point | None:
    """The first of step, step / 2, ... that goes down; None where none does."""
    slope = float(step @ point.gradient)
    rounding = 1e-12 * abs(point.value)
    for halving in range(HALVINGS):
        length = 0.5**halving
        moved = surface.at(point.theta + length * step, fixed)
        if (
            moved.value <= point.value + 1e-4 * length * slope + rounding
            and np.isfinite(moved.gradient).all()
        ):
            return moved
    return None


def _descend(surface: Surface, point: Point) -> Point:
    """L-BFGS until Newton's method is safe."""
    for direction in _directions(point):
        moved = _backtrack(surface, point, direction(point))
        if moved is None or point.value - moved.value < ROUGH:
            return point if moved is None else moved
        point = moved
    return point


def _directions(point: Point) -> Iterator[Callable[[Point], np.ndarray]]:
    """Descent directions of optax's L-BFGS, one after another."""
    with double_precision():
        state = OPTIMISER.init(jnp.asarray(point.theta))

    def direction(at: Point) -> np.ndarray:
        nonlocal state
        with double_precision():
            found, state = _update(jnp.asarray(at.gradient), state, jnp.asarray(at.theta))
        step = -np.asarray(found)
        return step if step @ at.gradient < 0 else -at.gradient

    return (direction for _ in range(DESCENT_STEPS))
