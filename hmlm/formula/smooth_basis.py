"""Bases of penalised splines of one column, mgcv's ``"tp"`` and ``"cr"``, with the integral of ``f''^2``.

A basis is made from a column once and evaluated at other values later: knots stay. Both go on as straight
lines beyond their outermost knots.

References:
    Wood (2003), Thin plate regression splines, doi:10.1111/1467-9868.00374
    Wood (2017), Generalized Additive Models, section 5.3, doi:10.1201/9781315370279
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from scipy.linalg import eigh, qr

from hmlm.formula.splines import straight_beyond

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

MOST_KNOTS = 500  # of a thin plate spline; evenly spaced quantiles of more distinct values


class Basis(Protocol):
    """k functions and what a wiggly combination of them costs."""

    @property
    def penalty(self) -> np.ndarray:
        """(k, k) matrix S of ``b'Sb``, the integral of the squared second derivative, up to a factor."""

    def columns(self, x: np.ndarray) -> np.ndarray:
        """(N, k) of (N,) values."""


@dataclass(frozen=True, eq=False)
class ThinPlate:
    """The k most important directions of a thin plate spline with a knot at each distinct value.

    Attributes:
        center: of the column.
        spread: of the column; knots and values are deviations from the centre in this unit.
        knots: (n,).
        weights: (n, k - 2) of the radial functions ``|x - knot|^3 / 12`` in each wiggly column.
        scale: (k,) root mean squares of the columns, which they are divided by.
        penalty: (k, k).
    """

    center: float
    spread: float
    knots: np.ndarray
    weights: np.ndarray
    scale: np.ndarray
    penalty: np.ndarray

    def columns(self, x: np.ndarray) -> np.ndarray:
        """(N, k): wiggly functions, a constant, a line."""
        return _thin_plate_columns((x - self.center) / self.spread, self.knots, self.weights) / self.scale


def thin_plate(x: np.ndarray, k: int) -> ThinPlate:
    """mgcv's ``bs = "tp"`` of (N,) values, k of them distinct at least."""
    center, spread = float(x.mean()), float(x.std())
    t = (x - center) / spread
    knots = np.unique(t)
    if len(knots) > MOST_KNOTS:
        knots = np.quantile(knots, np.linspace(0, 1, MOST_KNOTS))
    values, vectors = cast(tuple[np.ndarray, np.ndarray], eigh(_radial(knots, knots)))
    largest = np.argsort(-np.abs(values), kind="stable")[:k]
    values, vectors = values[largest], vectors[:, largest]
    lines = np.column_stack([np.ones_like(knots), knots])
    free = null_space_of(vectors.T @ lines)
    weights = vectors @ free
    scale = np.sqrt(np.mean(_thin_plate_columns(t, knots, weights) ** 2, axis=0))
    penalty = np.zeros((k, k))
    penalty[: k - 2, : k - 2] = free.T @ (values[:, None] * free)
    return ThinPlate(center, spread, knots, weights, scale, penalty / np.outer(scale, scale))


@dataclass(frozen=True, eq=False)
class CubicRegression:
    """The natural cubic spline through k values at k knots, one column for each value.

    Attributes:
        spline: of (N,) values, (N, k).
        penalty: (k, k).
    """

    spline: CubicSpline
    penalty: np.ndarray

    def columns(self, x: np.ndarray) -> np.ndarray:
        """(N, k)."""
        return straight_beyond(self.spline, x, self.spline.x[[0, -1]])


def cubic_regression(x: np.ndarray, k: int) -> CubicRegression:
    """mgcv's ``bs = "cr"`` of (N,) values: knots at quantiles of the distinct ones."""
    from scipy.interpolate import CubicSpline

    knots = np.quantile(np.unique(x), np.linspace(0, 1, k))
    spline = CubicSpline(knots, np.eye(k), bc_type="natural")
    curvature, gaps = spline(knots, 2), np.diff(knots)
    mass = np.diag(np.r_[gaps, 0.0] + np.r_[0.0, gaps]) / 3 + (np.diag(gaps, 1) + np.diag(gaps, -1)) / 6
    return CubicRegression(spline, curvature.T @ mass @ curvature)


BASES = {"tp": thin_plate, "cr": cubic_regression}


def null_space_of(matrix: np.ndarray) -> np.ndarray:
    """(k, k - m) orthonormal columns orthogonal to the m independent ones of (k, m)."""
    q, _ = cast(tuple[np.ndarray, np.ndarray], qr(matrix, mode="full"))
    return q[:, matrix.shape[1] :]


def _thin_plate_columns(t: np.ndarray, knots: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.column_stack([_radial(t, knots) @ weights, np.ones_like(t), t])


def _radial(t: np.ndarray, knots: np.ndarray) -> np.ndarray:
    return np.abs(t[:, None] - knots) ** 3 / 12.0
