"""New residuals in series: those of a row carry on from the rows before it, whatever chunk they come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.formula.table import as_table
from hmlm.types import Design

AtRows = Callable[[np.ndarray], Array]  # (R,) rows -> (R, S)


def previous_rows(design: Design, newdata: object) -> np.ndarray | None:
    """(N,) the row before each row to predict in its series, -1 for the first; None without series.

    Raises:
        DataError: new data lack the columns that tell series and times.
    """
    series = design.outcomes[0].series
    if series is None:
        return None
    return series.previous if newdata is None else series.rebuild(as_table(newdata))


@dataclass(frozen=True)
class SeriesResiduals:
    """Residuals drawn from the joint distribution of whole series.

    Attributes:
        previous: (N,) rows before.
        rho: (S,) autoregression.
        stationary: whether the first of a series has the variance of all in the long run.
        scale: standard deviations given the row before.
        noise: standard normal draws, the same whenever a row is asked for.
    """

    previous: np.ndarray
    rho: Array
    stationary: bool
    scale: AtRows
    noise: AtRows

    def __call__(self, start: int, size: int) -> Array:
        """(size, S) residuals of rows from ``start``, the last row repeated past the end."""
        rows = np.minimum(np.arange(start, start + size), len(self.previous) - 1)
        if self.stationary:
            return self.scale(rows) * self._summed(rows, self._stationary_step)
        return self._summed(rows, self._regression_step)

    def _summed(self, rows: np.ndarray, step: AtRows) -> Array:
        """Steps of the rows and of all before them, each shrunk by rho as often as it was carried on."""
        total, weight, inside = 0.0, jnp.ones_like(self.rho), np.ones(len(rows), bool)
        while inside.any():
            total = total + inside[:, None] * weight * step(rows)
            before = self.previous[rows]
            inside, rows = inside & (before >= 0), np.where(before >= 0, before, rows)
            weight = weight * self.rho
        return total

    def _regression_step(self, rows: np.ndarray) -> Array:
        return self.scale(rows) * self.noise(rows)

    def _stationary_step(self, rows: np.ndarray) -> Array:
        """In units of the scale; the first of a series has the variance of the others."""
        is_first = (self.previous[rows] < 0)[:, None]
        return self.noise(rows) * jnp.where(is_first, (1.0 - self.rho**2) ** -0.5, 1.0)
