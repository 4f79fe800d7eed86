"""The mode of a log density, and the normal that has its curvature there.

References:
    Tierney & Kadane (1986), doi:10.1080/01621459.1986.10478240
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, solve_triangular

from hmlm.infer.approximate.climb import Hill, Point, climb
from hmlm.infer.approximate.pool import Pool
from hmlm.types import HmlmError

DIFFERENCE = 1e-4  # of coordinates, for second derivatives
LARGEST = 5000  # coordinates of a Hessian
INSTEAD = 'use algorithm="pathfinder" or "svi", which do not need one, or sample: algorithm="nuts"'


def find_mode(hill: Hill, start: np.ndarray) -> Point:
    """The mode near (D,) ``start``.

    Raises:
        HmlmError: none was reached.
    """
    *_, last = climb(hill, start)
    if not last.flat:
        raise HmlmError(
            "no mode was found: from the first estimate the log density rises towards "
            f"{np.max(np.abs(last.position)):.3g} standard errors and is not flat there. Some standard "
            "deviation or correlation may want to go to its bound, where a mode says nothing of the "
            f"posterior; {INSTEAD}"
        )
    return last


def draw_laplace(hill: Hill, mode: Point, draws: int, rng: np.random.Generator) -> Pool:
    """Draws of the normal around a mode whose precision is minus the Hessian there.

    Raises:
        HmlmError: too many coordinates for a matrix, or a direction without curvature.
    """
    size = len(mode.position)
    if size > LARGEST:
        raise HmlmError(
            f'algorithm="laplace" takes at most {LARGEST} sampled coordinates, here are {size}: {INSTEAD}'
        )
    try:
        root, lower = cho_factor(-hessian(hill, mode.position), lower=True)
    except np.linalg.LinAlgError:
        raise HmlmError(f"the log density is not curved at its mode in every direction; {INSTEAD}") from None
    z = rng.standard_normal((draws, size))
    position = mode.position + solve_triangular(root, z.T, lower=lower, trans=1).T
    log_q = -0.5 * np.sum(z**2, axis=1) + np.log(np.diag(root)).sum() - 0.5 * size * np.log(2 * np.pi)
    return Pool(position, np.array([hill.at(x).value for x in position]), log_q)


def hessian(hill: Hill, position: np.ndarray) -> np.ndarray:
    """(D, D) second derivatives at (D,) ``position``, by central differences of 2 D gradients."""
    steps = DIFFERENCE * np.eye(len(position))
    matrix = np.array([hill.at(position + s).gradient - hill.at(position - s).gradient for s in steps])
    return (matrix + matrix.T) / (4 * DIFFERENCE)
