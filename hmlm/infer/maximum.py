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

from hmlm.density.precision import double_precision
from hmlm.density.surface import Fixed, Point, Surface

MEMORY = 10
DESCENT_STEPS = 200
NEWTON_STEPS = 25
ROUGH = 1e-3  # predicted rise of the log likelihood at which Newton takes over
FINE = 1e-13  # predicted rise at which nothing is left to gain
CONVERGED = 1e-6
STEP = 1e-4  # of the differences
FLAT = 1e-7  # curvature relative to the largest, below which a direction has none
HALVINGS = 30

OPTIMISER = optax.scale_by_lbfgs(memory_size=MEMORY)
_update = jax.jit(OPTIMISER.update)


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is largest.

    Attributes:
        point: the place.
        hessian: (k, k) of minus the log likelihood in theta.
        rise: by how much a quadratic predicts the log likelihood could still rise.
    """

    point: Point
    hessian: np.ndarray
    rise: float

    @property
    def converged(self) -> bool:
        """Whether nothing is left to gain."""
        return self.rise < CONVERGED


def maximise(surface: Surface, theta: np.ndarray | None = None) -> Maximum:
    """The maximum near ``theta``, by default near the pilot."""
    start = surface.at(surface.start if theta is None else theta)
    return polish(surface, _descend(surface, start), np.eye(len(start.theta)))


def polish(surface: Surface, point: Point, basis: np.ndarray, fixed: Fixed | None = None) -> Maximum:
    """Newton's method from ``point`` within its affine plane.

    Args:
        surface: what to climb.
        point: where from, taken with ``fixed``.
        basis: (k, r) orthonormal directions that theta may move in.
        fixed: what is held of the means' coefficients.
    """
    for _ in range(NEWTON_STEPS):
        curvature = hessian(surface, point, basis, fixed)
        step, rise = _newton_step(basis.T @ point.gradient, curvature)
        if rise < FINE:
            break
        moved = _backtrack(surface, point, basis @ step, fixed)
        if moved is None:
            break
        point = moved
    return Maximum(point, curvature, rise)


def hessian(surface: Surface, point: Point, basis: np.ndarray, fixed: Fixed | None = None) -> np.ndarray:
    """(r, r) second derivatives in the directions of ``basis``, by central differences of gradients."""
    difference = lambda e: (
        surface.at(point.theta + e, fixed).gradient - surface.at(point.theta - e, fixed).gradient
    )
    columns = [basis.T @ difference(STEP * direction) / (2 * STEP) for direction in basis.T]
    matrix = np.array(columns).reshape(basis.shape[1], basis.shape[1])
    return 0.5 * (matrix + matrix.T)


def _newton_step(gradient: np.ndarray, curvature: np.ndarray) -> tuple[np.ndarray, float]:
    """The step and the rise it predicts; it leaves flat directions alone and goes down negative curvature."""
    if len(gradient) == 0:
        return gradient, 0.0
    values, vectors = np.linalg.eigh(curvature)
    size = np.abs(values)
    inverse = np.where(size > FLAT * size.max(), 1.0 / np.maximum(size, 1e-300), 0.0)
    along = vectors.T @ gradient
    return -vectors @ (inverse * along), 0.5 * float(np.sum(inverse * along**2))


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
