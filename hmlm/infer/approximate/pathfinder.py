"""Pathfinder: normal approximations along ways uphill, of each way the one nearest to the posterior.

BlackJAX's parts, apart from ``blackjax.vi.pathfinder`` itself: in 1.7 it moves the centre of each normal
against the gradient.

References:
    Zhang, Carpenter, Gelman & Vehtari (2022), Journal of Machine Learning Research 23(306), arXiv:2108.03782
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from blackjax.optimizers.lbfgs import bfgs_sample, lbfgs_inverse_hessian_factors, lbfgs_recover_alpha
from jax import Array

from hmlm.density.precision import double_precision
from hmlm.infer.approximate.climb import Hill, Point, climb
from hmlm.infer.approximate.pool import Pool, joined

MEMORY = 6
PATIENCE = 10
COMPARED = 25  # draws by which the normals of a way are compared, as in Stan


class Normal(NamedTuple):
    """A normal of a way: its point, (D,) diagonal, (MEMORY, D) last steps and changes of gradients."""

    point: Point
    diagonal: np.ndarray
    steps: np.ndarray
    changes: np.ndarray


def draw_pathfinder(hill: Hill, starts: np.ndarray, draws: int, rng: np.random.Generator) -> Pool:
    """As many draws of the best normal of the way from each of (P, D) ``starts``, ``draws`` in all."""
    each = -(-draws // len(starts))
    return joined([_draw(hill, _best(hill, start, rng), each, rng) for start in starts])


def _best(hill: Hill, start: np.ndarray, rng: np.random.Generator) -> Normal:
    """The normal of a way with the largest ELBO; the way ends where it has not grown for PATIENCE steps."""
    best, largest, since = None, -np.inf, 0
    for normal in _normals(climb(hill, start)):
        pool = _draw(hill, normal, COMPARED, rng)
        elbo = np.mean(pool.log_p - pool.log_q)
        best, largest, since = (
            (normal, elbo, 0) if elbo > largest or best is None else (best, largest, since + 1)
        )
        if since == PATIENCE:
            break
    return best


def _normals(way: Iterator[Point]) -> Iterator[Normal]:
    """One normal per point."""
    before = next(way)
    none = np.zeros((MEMORY, len(before.position)))
    normal = Normal(before, np.ones(len(before.position)), none, none)
    yield normal
    for point in way:
        normal = _after(normal, point)
        yield normal


def _after(normal: Normal, point: Point) -> Normal:
    """The normal at the next point; a step along which the gradient does not fall teaches nothing."""
    step, change = point.position - normal.point.position, normal.point.gradient - point.gradient
    with double_precision():
        diagonal, taken = jax.device_get(_recover(normal.diagonal, step, change))
    if not taken.all():
        return normal._replace(point=point)
    steps, changes = np.vstack([normal.steps[1:], step]), np.vstack([normal.changes[1:], change])
    return Normal(point, diagonal, steps, changes)


def _draw(hill: Hill, normal: Normal, draws: int, rng: np.random.Generator) -> Pool:
    """Draws of a normal, ``COMPARED`` at a time: one program draws few and many."""
    parts = [_some(hill, normal, int(rng.integers(2**31))) for _ in range(-(-draws // COMPARED))]
    whole = joined(parts)
    return Pool(whole.position[:draws], whole.log_p[:draws], whole.log_q[:draws])


def _some(hill: Hill, normal: Normal, seed: int) -> Pool:
    point, diagonal, steps, changes = normal
    with double_precision():
        found = _sample(seed, point.position, point.gradient, diagonal, steps.T, changes.T)
        position, log_q = jax.device_get(found)
    return Pool(position, np.array([hill.at(x).value for x in position]), log_q)


_recover = jax.jit(lbfgs_recover_alpha)


@jax.jit
def _sample(
    seed: Array, position: Array, gradient: Array, diagonal: Array, steps: Array, changes: Array
) -> tuple[Array, Array]:
    """(COMPARED, D) draws of a normal and their log densities."""
    beta, gamma = lbfgs_inverse_hessian_factors(steps, changes, diagonal)
    return bfgs_sample(jax.random.key(seed), COMPARED, position, gradient, diagonal, beta, gamma)
