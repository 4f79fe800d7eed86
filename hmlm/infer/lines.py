"""Every parameter as a coordinate of the likelihood surface, for profiling it."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from hmlm.density.chart import Order, angles_of, natural_orders, spherical
from hmlm.density.correlation import correlation_cholesky, correlation_unconstrained, n_correlations
from hmlm.density.precision import double_precision
from hmlm.density.surface import Point, Surface, coordinates
from hmlm.infer.estimate import Estimates
from hmlm.infer.profile import Coefficient, Coordinate, Line
from hmlm.spec.names import cor_names, rescor_names, sd_names, sigma_name

STEP = 1e-5
FREE = (-np.inf, np.inf)
QUARTER = np.pi / 2
REGULAR = 1e-10  # keeps a singular matrix factorizable


def line_of(surface: Surface, top: Point, estimates: Estimates, name: str) -> Line:
    """The line of one parameter through the maximum ``top``."""
    index = estimates.names.index(name)
    error = float(np.sqrt(estimates.covariance[index, index]))
    if estimates.fixed[index]:
        own = Coefficient(_derivative_by_delta(surface, top, index))
        return Line(surface, top, own, float(own.direction @ top.delta), error, FREE)
    guarded = _standard_deviations(surface, name)
    surface, top, direction, bounds = _coordinate(surface, top, index, name)
    slope = abs(_slope(surface, top, direction, index))
    in_coordinate = error / slope if np.isfinite(error) and slope > 0 else np.inf
    own = Coordinate(direction, guarded)
    return Line(surface, top, own, float(direction @ top.theta), in_coordinate, bounds)


def _standard_deviations(surface: Surface, name: str) -> tuple[int, ...]:
    """Positions in theta of the two standard deviations of a correlation between effects, else none."""
    spec, layout = surface.likelihood.spec, coordinates(surface.likelihood.spec)
    for block, part in zip(spec.blocks, layout.tau, strict=True):
        for cor, i, j in cor_names(spec, block):
            if cor == name:
                return part.start + block.order[i], part.start + block.order[j]
    return ()


def _derivative_by_delta(surface: Surface, top: Point, index: int) -> np.ndarray:
    """(P,) a coefficient of a mean is linear in delta."""
    at = lambda delta: surface.reported(top.theta, delta)[index]
    zero = np.zeros(len(top.delta))
    return np.array([at(step) - at(zero) for step in np.eye(len(zero))])


def _slope(surface: Surface, top: Point, direction: np.ndarray, index: int) -> float:
    step = STEP * direction / (direction @ direction)
    above, below = (surface.reported(top.theta + s * step, top.delta)[index] for s in (1, -1))
    return float(above - below) / (2 * STEP)


def _coordinate(
    surface: Surface, top: Point, index: int, name: str
) -> tuple[Surface, Point, np.ndarray, tuple[float, float]]:
    """Surface, maximum, direction and bounds of a parameter other than a coefficient of a mean."""
    spec, layout = surface.likelihood.spec, coordinates(surface.likelihood.spec)
    for m, part in enumerate(layout.sigma):
        if part is not None and name == sigma_name(spec, m):
            return surface, top, _unit(top, part.start), FREE
    for b, block in enumerate(spec.blocks):
        if name in sd_names(spec, block):
            position = layout.tau[b].start + block.order[sd_names(spec, block).index(name)]
            return surface, top, _unit(top, position), _one_side(top.theta[position])
        for cor, i, j in cor_names(spec, block):
            if cor == name:
                pair = (block.order[i], block.order[j])
                surface, top, position = _correlation(surface, top, b, layout.angles[b], pair)
                return surface, top, _unit(top, position), _quarter(top.theta[position])
    for cor, i, j in rescor_names(spec):
        if cor == name:
            surface, top, position = _correlation(surface, top, -1, layout.rescor, (i, j))
            return surface, top, _unit(top, position), FREE
    return surface, top, _scale_direction(surface, top, index), FREE


def _scale_direction(surface: Surface, top: Point, index: int) -> np.ndarray:
    """(k,) a coefficient of log sigma is linear in its part of theta."""
    at = lambda theta: surface.reported(theta, top.delta)[index]
    n_scale = sum(part.stop - part.start for part in coordinates(surface.likelihood.spec).scale if part)
    steps = np.eye(len(top.theta))[:n_scale]
    slopes = np.array([at(top.theta + step) - at(top.theta) for step in steps])
    return np.concatenate([slopes, np.zeros(len(top.theta) - n_scale)])


def _unit(top: Point, position: int) -> np.ndarray:
    return np.eye(len(top.theta))[position]


def _one_side(tau: float) -> tuple[float, float]:
    return (0.0, np.inf) if tau >= 0 else (-np.inf, 0.0)


def _quarter(angle: float) -> tuple[float, float]:
    """The angles of correlations from -1 to 1 around one."""
    middle = np.pi * np.round(angle / np.pi)
    return (middle - QUARTER, middle + QUARTER)


def _correlation(
    surface: Surface, top: Point, which: int, part: slice, pair: tuple[int, int]
) -> tuple[Surface, Point, int]:
    """The surface in which the correlation of two rows is a coordinate, and where that stands.

    Correlations with the first row are coordinates as they are; for others, one of the two rows goes first.
    """
    first, second = sorted(pair)
    if first == 0:
        return surface, top, part.start + n_correlations(second)
    order = _with_first(first, len(natural_orders(surface.likelihood.spec)[which]))
    theta = top.theta.copy()
    theta[part] = _reordered(theta[part], order, residual=which < 0)
    orders = list(surface.orders)
    orders[which] = order
    surface = replace(surface, orders=tuple(orders))
    return surface, surface.at(theta), part.start + n_correlations(order.index(second))


def _with_first(first: int, size: int) -> Order:
    return (first, *(i for i in range(size) if i != first))


def _reordered(coordinates: np.ndarray, order: Order, *, residual: bool) -> np.ndarray:
    """Coordinates of the same correlation matrix with its rows in ``order``."""
    with double_precision():
        x = jnp.asarray(coordinates)
        rows = np.asarray(correlation_cholesky(len(order), x)[0] if residual else spherical(len(order), x))
    matrix = (1 - REGULAR) * (rows @ rows.T) + REGULAR * np.eye(len(order))
    return correlation_unconstrained(matrix[np.ix_(order, order)]) if residual else angles_of(matrix, order)
