"""New residuals of series that have one correlation matrix, whatever chunk their rows come in."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.formula.table import as_table
from hmlm.results.prediction.series import AtRows
from hmlm.types import Design


def series_and_places(design: Design, newdata: object) -> np.ndarray:
    """(2, N) series of each row to predict, and its row in the correlation matrix.

    Raises:
        DataError: new data lack the columns that tell series and times, or have a time that is not known.
    """
    known = design.outcomes[0].repeated
    return np.stack([known.index, known.place]) if newdata is None else known.rebuild(as_table(newdata))


@dataclass(frozen=True)
class SharedResiduals:
    """Residuals under ``cosy``: ``sqrt(rho)`` times what their series share, and what is their own.

    Attributes:
        rows: (2, N) series and place of every row.
        rho: (S,) correlation of two residuals of a series.
        scale: standard deviations.
        shared, own: standard normal draws by series and by row, the same whenever one is asked for.
    """

    rows: np.ndarray
    rho: Array
    scale: AtRows
    shared: AtRows
    own: AtRows

    def __call__(self, start: int, size: int) -> Array:
        """(size, S) residuals of rows from ``start``, the last row repeated past the end."""
        rows = np.minimum(np.arange(start, start + size), self.rows.shape[1] - 1)
        series = self.rows[0, rows]
        mixed = jnp.sqrt(self.rho) * self.shared(series) + jnp.sqrt(1.0 - self.rho) * self.own(rows)
        return self.scale(rows) * mixed


@dataclass(frozen=True)
class OccasionResiduals:
    """Residuals under ``unstr``: rows of the Cholesky factor times draws of all occasions of their series.

    Attributes:
        rows: (2, N) series and occasion of every row.
        factor: (S, T, T) lower Cholesky factors of the correlations between occasions.
        scale: standard deviations.
        noise: standard normal draws by series and occasion, one after another.
    """

    rows: np.ndarray
    factor: Array
    scale: AtRows
    noise: AtRows

    def __call__(self, start: int, size: int) -> Array:
        """(size, S) residuals of rows from ``start``, the last row repeated past the end."""
        rows = np.minimum(np.arange(start, start + size), self.rows.shape[1] - 1)
        series, occasion = self.rows[:, rows]
        n_times = self.factor.shape[1]
        own = (series[:, None] * n_times + np.arange(n_times)).ravel()
        noise = self.noise(own).reshape(size, n_times, -1)
        return self.scale(rows) * jnp.einsum("srt,rts->rs", self.factor[:, occasion], noise)
