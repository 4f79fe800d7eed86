"""Coordinates of maximum likelihood: smooth where a maximum may lie, on the boundary too.

A block's covariance is ``diag(t) BB' diag(t)`` with signed t and unit rows B in spherical coordinates: a
standard deviation of zero or a correlation of one is an interior point, across which the likelihood goes on
as its mirror image. So no bound is needed, and a singular fit is a stationary point like any other.

References:
    Pinheiro & Bates (1996), doi:10.1007/BF00140873
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.correlation import correlation_cholesky, correlation_unconstrained, n_correlations
from hmlm.density.data import block_columns
from hmlm.density.named import psd_factor
from hmlm.density.parameters import Parameters, by_dpar
from hmlm.density.pilot import Pilot, block_covariance
from hmlm.density.precision import double_precision
from hmlm.spec.spec import Block, Spec
from hmlm.types import Design, HmlmError

SMALLEST_START = 0.05  # of a standard deviation, in its units
LARGEST_START = 0.95  # of a correlation
INDEPENDENT = 1e-10  # smallest eigenvalue of the columns' scaled cross-products

Order = tuple[int, ...]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Chart:
    """Origin and units of the coordinates.

    ``coefficients = center + root @ coordinates`` in every predictor; coefficients of means are apart
    (delta), those of log sigma are among the coordinates theta.

    Attributes:
        centers: per predictor (P,) pilot coefficients, intercept first.
        roots: per predictor (P, P): for means a root of the pilot's covariance, so that information on delta
            is near the identity.
        units: per block (Q,), residual standard deviation by root mean square of the column.
    """

    centers: tuple[Array, ...]
    roots: tuple[Array, ...]
    units: tuple[Array, ...]


class Sizes(NamedTuple):
    """Numbers of coordinates: theta part by part (see :func:`theta_sizes`), and P of delta."""

    theta: tuple[int, ...]
    delta: tuple[int, ...]


def sizes(spec: Spec) -> Sizes:
    """Theta: coefficients of log sigma, constant log sigmas, per block t, per block angles, rescor."""
    counts = [len(p.names) + (p.intercept is not None) for p in spec.predictors]
    scale = [n for n, p in zip(counts, spec.predictors, strict=True) if p.dpar != "mu"]
    sigma = [1 for prior in spec.sigma if prior is not None]
    angles = [n_correlations(block.size) if block.cor is not None else 0 for block in spec.blocks]
    rescor = n_correlations(len(spec.outcomes)) if spec.rescor is not None else 0
    return Sizes(
        theta=(*scale, *sigma, *(block.size for block in spec.blocks), *angles, rescor),
        delta=tuple(n for n, p in zip(counts, spec.predictors, strict=True) if p.dpar == "mu"),
    )


def parameters_at(
    spec: Spec, chart: Chart, theta: Array, delta: Array, orders: tuple[Order, ...]
) -> Parameters:
    """Parameters with signed standard deviations.

    Args:
        spec: the model.
        chart: of the coordinates.
        theta: (k,) coordinates of variance parameters and of coefficients of log sigma.
        delta: (P,) coordinates of coefficients of means.
        orders: per block, and for the residual correlation, in which order the rows of its factor are built.
    """
    size = sizes(spec)
    parts, means = iter(_split(theta, size.theta)), iter(_split(delta, size.delta))
    coordinates = [None if p.dpar == "mu" else next(parts) for p in spec.predictors]
    beta = [
        center + root @ (next(means) if own is None else own)
        for center, root, own in zip(chart.centers, chart.roots, coordinates, strict=True)
    ]
    constants = by_dpar(spec, [jnp.exp(next(parts)[0]) for _ in spec.constants])
    tau = tuple(units * next(parts) for units in chart.units)
    blocks = zip(spec.blocks, orders[:-1], strict=True)
    factors = tuple(_block_factor(block, next(parts), order) for block, order in blocks)
    last = next(parts)
    with_intercept = [predictor.intercept is not None for predictor in spec.predictors]
    return Parameters(
        intercept=tuple(b[0] if has else None for b, has in zip(beta, with_intercept, strict=True)),
        b=tuple(b[int(has) :] for b, has in zip(beta, with_intercept, strict=True)),
        constants=constants,
        tau=tau,
        correlation=factors,
        rescor=None if spec.rescor is None else _rescor_factor(len(spec.outcomes), last, orders[-1]),
    )


def unsigned(parameters: Parameters) -> Parameters:
    """The same covariances with standard deviations of at least zero."""
    signs = [jnp.where(tau < 0, -1.0, 1.0) for tau in parameters.tau]
    return parameters._replace(
        tau=tuple(jnp.abs(tau) for tau in parameters.tau),
        correlation=tuple(s[:, None] * c for s, c in zip(signs, parameters.correlation, strict=True)),
    )


def spherical(size: int, angles: Array) -> Array:
    """(Q, Q) lower triangular, rows of unit length, from (Q (Q - 1) / 2,) angles; the first column is sin."""
    rows = []
    for a in range(size):
        start = n_correlations(a)
        own = angles[start : start + a]
        rest = jnp.concatenate([jnp.ones(1, angles.dtype), jnp.cumprod(jnp.cos(own))])
        row = jnp.concatenate([jnp.sin(own), jnp.ones(1, angles.dtype)]) * rest
        rows.append(jnp.concatenate([row, jnp.zeros(size - a - 1, angles.dtype)]))
    return jnp.stack(rows)


def natural_orders(spec: Spec) -> tuple[Order, ...]:
    """Rows as they are."""
    return tuple(tuple(range(size)) for size in (*(b.size for b in spec.blocks), len(spec.outcomes)))


def _block_factor(block: Block, angles: Array, order: Order) -> Array:
    if block.cor is None:
        return jnp.eye(block.size, dtype=angles.dtype)
    return _in_order(spherical(block.size, angles), order)


def _rescor_factor(size: int, x: Array, order: Order) -> Array:
    return _in_order(correlation_cholesky(size, x)[0], order)


def _in_order(rows: Array, order: Order) -> Array:
    """The factor of the matrix whose rows, taken in ``order``, have the factor ``rows``."""
    if order == tuple(range(len(order))):
        return rows
    back = np.argsort(order)
    return psd_factor((rows @ rows.T)[back][:, back])


def _split(vector: Array, lengths: tuple[int, ...]) -> list[Array]:
    return jnp.split(vector, np.cumsum(lengths)[:-1])


# --- on the host ----------------------------------------------------------------------------------


def make_chart(spec: Spec, design: Design, pilot: Pilot) -> Chart:
    """The chart around a pilot estimate.

    Raises:
        HmlmError: population-level columns of a mean are collinear, so that no coefficients are the best.
    """
    roots = [_root(spec, design, pilot, p) for p in range(len(spec.predictors))]
    with double_precision():
        return Chart(
            centers=tuple(jnp.asarray(working.beta) for working in pilot.working),
            roots=tuple(jnp.asarray(root) for root in roots),
            units=tuple(jnp.asarray(_units(spec, design, pilot, b)) for b in range(len(spec.blocks))),
        )


def start_at(spec: Spec, chart: Chart, pilot: Pilot) -> np.ndarray:
    """(k,) coordinates theta of the pilot."""
    parts = [
        np.zeros(n) for n, p in zip(map(len, chart.centers), spec.predictors, strict=True) if p.dpar != "mu"
    ]
    parts.extend(np.log(pilot.sigma[[m]]) for m, prior in enumerate(spec.sigma) if prior is not None)
    covariances = [block_covariance(spec, pilot, b) for b in range(len(spec.blocks))]
    for covariance, units in zip(covariances, chart.units, strict=True):
        parts.append(np.maximum(np.sqrt(np.diag(covariance)) / np.asarray(units), SMALLEST_START))
    parts.extend(
        angles_of(_tamed(covariance))
        for covariance, block in zip(covariances, spec.blocks, strict=True)
        if block.cor is not None
    )
    if spec.rescor is not None:
        parts.append(correlation_unconstrained(_tamed(pilot.rescor)))
    return np.concatenate(parts)


def angles_of(matrix: np.ndarray, order: Order | None = None) -> np.ndarray:
    """Angles of :func:`spherical` for a (Q, Q) correlation matrix, its rows taken in ``order``."""
    order = range(len(matrix)) if order is None else order
    return np.arcsin(np.tanh(correlation_unconstrained(matrix[np.ix_(order, order)])))


def _tamed(covariance: np.ndarray) -> np.ndarray:
    sd = np.sqrt(np.diag(covariance))
    matrix = np.clip(covariance / np.outer(sd, sd), -1.0, 1.0) * LARGEST_START
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _root(spec: Spec, design: Design, pilot: Pilot, p: int) -> np.ndarray:
    working, predictor = pilot.working[p], spec.predictors[p]
    columns = working.columns
    length = np.sqrt(np.maximum(np.mean(columns**2, axis=1), 1e-300))
    if len(columns):
        _check_independent(columns / length[:, None], predictor.names, design)
    if predictor.dpar != "mu":
        return np.diag(1.0 / length)
    scale = np.sqrt(np.diag(working.beta_covariance))
    correlation = working.beta_covariance / np.outer(scale, scale) + 1e-10 * np.eye(len(scale))
    return scale[:, None] * np.linalg.cholesky(correlation)


def _check_independent(columns: np.ndarray, names: tuple[str, ...], design: Design) -> None:
    smallest = np.linalg.eigvalsh(columns @ columns.T / columns.shape[1])[0]
    if smallest < INDEPENDENT:
        raise HmlmError(
            f"the columns {', '.join(names)} are collinear, so the likelihood has no single maximum: leave "
            "one that follows from the others out of the formula"
        )


def _units(spec: Spec, design: Design, pilot: Pilot, b: int) -> np.ndarray:
    block = spec.blocks[b]
    columns = block_columns(block, design)
    sigma = [pilot.sigma[spec.predictors[term.predictor].response] for term in block.terms]
    return np.array(sigma) / np.sqrt(np.mean(columns**2, axis=1))
