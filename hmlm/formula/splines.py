"""R's ``bs`` and ``ns``: B-splines and natural cubic splines whose knots are remembered for new data.

``bs(x)`` has the B-splines of the knots as columns. ``ns(x)`` has those combinations ``B H`` of the cubic
ones whose second derivative is zero at both boundary knots: with ``C`` (2, K) the second derivatives there
and ``C' = Q R``, ``H`` are the columns of ``Q`` after the first two, as in R. Beyond the boundary knots a
natural spline goes on as a straight line.

References:
    de Boor (1978), A Practical Guide to Splines, Springer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from formulaic.materializers.types import FactorValues
from formulaic.utils.stateful_transforms import stateful_transform
from scipy.linalg import qr

if TYPE_CHECKING:
    from scipy.interpolate import BSpline, CubicSpline

CUBIC = 3


@stateful_transform
def bs(
    x: Any,
    df: int | None = None,
    knots: Sequence[float] | None = None,
    degree: int = CUBIC,
    intercept: bool = False,
    boundary: Sequence[float] | None = None,
    _state: dict[str, Any] = {},  # noqa: B006, formulaic puts its own here
) -> FactorValues:
    """(N, df) B-splines of (N,) ``x``, between the boundary knots only.

    Raises:
        ValueError: too few degrees of freedom, knots out of order, or values beyond the boundary knots.
    """
    values = np.asarray(x, dtype=np.float64)
    _remember(_state, values, df, knots, degree - 1, intercept, boundary)
    lower, upper = _state["boundary"]
    if (values < lower).any() or (values > upper).any():
        raise ValueError(
            f"bs() has values beyond its boundary knots {lower:g}, {upper:g}; ns() goes on there"
        )
    return _columns(_splines(_state, degree)(values)[:, 0 if intercept else 1 :])


@stateful_transform
def ns(
    x: Any,
    df: int | None = None,
    knots: Sequence[float] | None = None,
    intercept: bool = False,
    boundary: Sequence[float] | None = None,
    _state: dict[str, Any] = {},  # noqa: B006, formulaic puts its own here
) -> FactorValues:
    """(N, df) natural cubic splines of (N,) ``x``.

    Raises:
        ValueError: too few degrees of freedom, or knots out of order.
    """
    values = np.asarray(x, dtype=np.float64)
    _remember(_state, values, df, knots, 0, intercept, boundary)
    first = 0 if intercept else 1
    splines, ends = _splines(_state, CUBIC), np.array(_state["boundary"])
    curvature = splines.derivative(2)(ends)[:, first:]
    q, _ = cast(tuple[np.ndarray, np.ndarray], qr(curvature.T, mode="full"))
    return _columns(straight_beyond(splines, values, ends)[:, first:] @ q[:, 2:])


def _remember(
    state: dict[str, Any],
    values: np.ndarray,
    df: int | None,
    knots: Sequence[float] | None,
    n_fixed: int,
    intercept: bool,
    boundary: Sequence[float] | None,
) -> None:
    """Put boundary and inner knots into the state, unless they are there already.

    Args:
        state: formulaic's memory of the transform.
        values: (N,) column.
        df: columns wanted; their excess over those without a knot are quantiles of the column.
        knots: inner knots, instead of ``df``.
        n_fixed: columns without a knot or an intercept, less one.
        intercept: whether the splines add up to one.
        boundary: boundary knots, by default the range of the column.
    """
    if "knots" in state:
        return
    lower, upper = (values.min(), values.max()) if boundary is None else sorted(boundary)
    if knots is None:
        least = n_fixed + 1 + intercept
        if df is not None and df < least:
            raise ValueError(f"df must be {least} or more, not {df}")
        inside = values[(values >= lower) & (values <= upper)]
        knots = np.quantile(inside, np.linspace(0, 1, (df or least) - least + 2))[1:-1].tolist()
    elif df is not None:
        raise ValueError("give df or knots, not both")
    inner = np.sort(np.atleast_1d(np.asarray(knots, dtype=np.float64)))
    if len(inner) and (inner[0] <= lower or inner[-1] >= upper):
        raise ValueError(f"knots must lie between {lower:g} and {upper:g}; take fewer, or say which: knots =")
    state["boundary"], state["knots"] = (float(lower), float(upper)), inner.tolist()


def _splines(state: dict[str, Any], degree: int) -> BSpline:
    """The K B-splines of the knots as one function of (N,) values, (N, K)."""
    from scipy.interpolate import BSpline

    lower, upper = state["boundary"]
    knots = np.r_[[lower] * (degree + 1), state["knots"], [upper] * (degree + 1)]
    return BSpline(knots, np.eye(len(knots) - degree - 1), degree)


def straight_beyond(splines: BSpline | CubicSpline, values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(N, K) splines, beyond the ends their tangents there."""
    clipped = np.clip(values, *ends)
    slopes = splines.derivative(1)(clipped)
    return splines(clipped) + np.where(values == clipped, 0.0, values - clipped)[:, None] * slopes


def _columns(matrix: np.ndarray) -> FactorValues:
    columns = dict(enumerate(matrix.T))
    return FactorValues(columns, kind="numerical", spans_intercept=False, format="{name}[{field}]")
