"""From a maximum of the likelihood to estimates by name, with their covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hmlm.density.correlation import n_correlations
from hmlm.density.surface import Surface, coordinates
from hmlm.infer.maximum import Maximum
from hmlm.spec.names import cor_names, sd_names
from hmlm.spec.spec import Spec

BOUNDARY = 1e-4  # of a pivot of a block's factor in units of its scale, as in lme4
STEP = 1e-5  # of differences, relative to coordinates beyond one


@dataclass(frozen=True)
class Estimates:
    """Estimates and their uncertainty.

    Attributes:
        names: P of them.
        values: (P,); a correlation with an effect that does not vary is NaN.
        covariance: (P, P), NaN where a parameter stands on its boundary.
        fixed: (P,) whether it is a coefficient of a mean.
        singular: blocks whose covariance is singular.
    """

    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    fixed: np.ndarray
    singular: tuple[str, ...]


def estimate(surface: Surface, maximum: Maximum) -> Estimates:
    """Estimates at a maximum.

    Coefficients of means have the covariance that they have given the variance parameters, lme4's; the others
    come from the curvature of the profiled likelihood, by the delta method.
    """
    point, spec = maximum.point, surface.likelihood.spec
    names = surface.likelihood.names
    by_theta = jacobian(lambda theta: surface.reported(theta, point.delta), point.theta)
    by_delta = jacobian(lambda delta: surface.reported(point.theta, delta), point.delta)
    covariance = by_theta @ maximum.covariance @ by_theta.T
    covariance = covariance + by_delta @ np.linalg.inv(point.information) @ by_delta.T
    values = surface.reported(point.theta, point.delta).copy()
    zero, undefined = _on_boundary(surface, point.theta, dict(zip(names, values, strict=True)))
    values[[name in zero for name in names]] = 0.0
    for i, name in enumerate(names):
        if name in undefined:
            values[i] = undefined[name]
    out = [name in zero or name in undefined for name in names]
    covariance[out, :] = covariance[:, out] = np.nan
    fixed = np.abs(by_delta).sum(1) > 0
    return Estimates(names, values, covariance, fixed, _singular_blocks(surface, point.theta, spec))


def jacobian(function: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """(P, k) derivatives by central differences."""
    sizes = STEP * np.maximum(np.abs(at), 1.0)
    columns = [(function(at + step) - function(at - step)) / (2 * step.sum()) for step in np.diag(sizes)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(function(at)), 0))


def _on_boundary(
    surface: Surface, theta: np.ndarray, value: dict[str, float]
) -> tuple[set[str], dict[str, float]]:
    """Standard deviations of zero, and correlations of one (kept at one) or undefined (NaN)."""
    spec, layout = surface.likelihood.spec, coordinates(surface.likelihood.spec)
    zero: set[str] = set()
    other: dict[str, float] = {}
    for b, block in enumerate(spec.blocks):
        tau = theta[layout.tau[b]][list(block.order)]
        flat = np.abs(tau) < BOUNDARY
        zero.update(name for name, is_flat in zip(sd_names(spec, block), flat, strict=True) if is_flat)
        for name, i, j in cor_names(spec, block):
            if flat[i] or flat[j]:
                other[name] = np.nan
            elif 1 - value[name] ** 2 < BOUNDARY**2:
                other[name] = float(np.sign(value[name]))
    return zero, other


def _singular_blocks(surface: Surface, theta: np.ndarray, spec: Spec) -> tuple[str, ...]:
    layout = coordinates(spec)
    return tuple(
        block.name
        for b, block in enumerate(spec.blocks)
        if smallest_pivot(block.size, theta[layout.tau[b]], theta[layout.angles[b]]) < BOUNDARY
    )


def smallest_pivot(size: int, tau: np.ndarray, angles: np.ndarray) -> float:
    """The smallest diagonal entry of ``diag(t) B``, in units of the effects' scales."""
    if len(angles) == 0:
        return float(np.min(np.abs(tau)))
    cosines = [np.prod(np.cos(angles[n_correlations(a) : n_correlations(a + 1)])) for a in range(size)]
    return float(np.min(np.abs(tau * np.array(cosines))))
