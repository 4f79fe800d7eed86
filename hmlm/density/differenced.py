"""Cross-products of rows less rho times the row before: ``S00 - rho (S01 + S10) + rho² S11``.

With a stationary start the first row of a series counts ``1 - rho²`` times, as if its own cross-products
stood in S11 with a minus, and its log density gains ``log(1 - rho²) / 2``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.data import previous_values
from hmlm.density.parameters import Parameters
from hmlm.density.series import correlation
from hmlm.spec.spec import Spec
from hmlm.types import Design

if TYPE_CHECKING:
    from hmlm.density.statistics import Statistics

PARTS = ("basis", "total", "mixed", "varying")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Differences:
    """What rho and rho² multiply in each of the statistics.

    Attributes:
        linear, square: by name of the statistic, of its shape.
        n_first: number of series where their start is stationary, else 0.
    """

    linear: dict[str, Array]
    square: dict[str, Array]
    n_first: Array


def at_autocorrelation(parameters: Parameters, stats: Statistics) -> tuple[Statistics, Array]:
    """Statistics of the differenced rows, and what the log density gains."""
    rho, known = correlation(parameters), stats.differences
    parts = {
        name: getattr(stats, name) + rho * known.linear[name] + rho**2 * known.square[name] for name in PARTS
    }
    return replace(stats, differences=None, **parts), 0.5 * known.n_first * jnp.log1p(-(rho**2))


# --- on the host ----------------------------------------------------------------------------------


def is_sufficient(spec: Spec, design: Design, cell: np.ndarray) -> bool:
    """Whether statistics by (N,) cell hold what the density needs.

    With a stationary start standard deviations of rows that follow each other have to be the same.
    """
    if not spec.autocor.stationary:
        return True
    previous = design.outcomes[0].series.previous
    later = np.flatnonzero(previous >= 0)
    return bool(np.all(cell[later] == cell[previous[later]]))


def linear_and_square(spec: Spec, design: Design, columns: np.ndarray, products) -> tuple[np.ndarray, ...]:
    """What rho and rho² multiply, from (A, N) columns and the function that sums their products by cell."""
    before = previous_values(design, columns)
    own, square = products(columns), products(before)
    linear = products(columns - before) - own - square
    if spec.autocor.stationary:
        first = design.outcomes[0].series.previous < 0
        square = square - products(columns * first)
    return linear, square


def n_stationary(spec: Spec, design: Design) -> float:
    """Number of series whose start is stationary."""
    return float(spec.autocor.stationary * np.sum(design.outcomes[0].series.previous < 0))
