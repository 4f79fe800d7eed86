"""Residuals of a series with one correlation matrix: each less what the earlier ones of its series say of it.

With R the correlations of a series and C its lower Cholesky factor, ``C^-1 e`` are independent residuals of
unit variance, each given those before it, and the log density gains ``-log C_aa`` per row. Under ``cosy``
``R = (1 - rho) I + rho 11'``, so that the k-th residual is e_k less ``rho / (1 + (k - 1) rho)`` times the
sum of the k before it, over the root of ``(1 - rho) (1 + k rho) / (1 + (k - 1) rho)``. Under ``unstr`` a
series lacks some occasions: its R holds the rows and columns of the others, and series that lack the same
ones share a factor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax.linalg import triangular_solve

from hmlm.kernels.arrays import on_device
from hmlm.kernels.segments import Segments, make_segments
from hmlm.kernels.tiles import Tiling
from hmlm.types import Dependence, Repeated


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RepeatedRows:
    """Where the rows of S series stand, each in one of W places.

    Attributes:
        dependence: how residuals of a series depend on each other.
        shape: (S, W).
        slots: rows by series and place, series after series.
        patterns: series by which of the P patterns of places they have.
        present: (P, W), one where a pattern has the place, else zero.
    """

    dependence: Dependence = field(metadata={"static": True})
    shape: tuple[int, int] = field(metadata={"static": True})
    slots: Segments
    patterns: Segments
    present: Array

    def by_series(self, rows: Array) -> Array:
        """(..., S, W) values of rows, zero where a series has no row."""
        lead = rows.shape[: rows.ndim - self.slots.index.ndim]
        return self.slots.reduce(rows).reshape(*lead, *self.shape)

    def by_row(self, values: Array) -> Array:
        """(..., *rows) from (..., S, W); what padding gets is arbitrary."""
        return self.slots.expand(values.reshape(*values.shape[:-2], -1))


def make_repeated(known: Repeated, tiling: Tiling) -> RepeatedRows:
    """The rows of a table by series and place."""
    _, series = np.unique(known.index, return_inverse=True)
    n_series, width = int(series.max()) + 1, n_places(known)
    slot = tiling.place(series * width + known.place, fill=-1).astype(int)
    has = np.zeros((n_series, width), bool)
    has[series, known.place] = True
    present, pattern = np.unique(has, axis=0, return_inverse=True)
    return RepeatedRows(
        known.dependence,
        (n_series, width),
        make_segments(slot, n_series * width),
        make_segments(pattern.ravel(), len(present)),
        on_device(present, float),
    )


def n_places(known: Repeated) -> int:
    """W, the occasions or the most rows that a series has."""
    return len(known.times) or int(known.place.max()) + 1


def whiten_cosy(rho: Array, values: Array) -> Array:
    """(..., S, W) values, each less what those of its series before it say, in units of what is left."""
    before = jnp.cumsum(values, axis=-1) - values
    k = np.arange(values.shape[-1])
    return (values - before * rho / (1.0 + (k - 1.0) * rho)) * jnp.exp(gain_cosy(rho, len(k)))


def gain_cosy(rho: Array, width: int) -> Array:
    """(W,) minus the logs of the diagonal of C."""
    k = np.arange(1.0, width)
    left = jnp.log1p(-rho) + jnp.log1p(k * rho) - jnp.log1p((k - 1.0) * rho)
    return jnp.concatenate([jnp.zeros(1, left.dtype), -0.5 * left])


def inverse_factors(factor: Array, present: Array) -> Array:
    """(P, W, W) ``C^-1`` of every pattern, ones on the diagonal of places it lacks.

    Args:
        factor: (W, W) lower Cholesky factor of the correlations of all places.
        present: (P, W) as of :class:`RepeatedRows`.
    """
    both = present[:, :, None] * present[:, None, :]
    own = jnp.eye(len(factor), dtype=factor.dtype)
    whole = jnp.matmul(factor, factor.T, precision="highest")
    cholesky = jnp.linalg.cholesky(both * whole + (1.0 - present)[:, :, None] * own)
    return triangular_solve(cholesky, jnp.broadcast_to(own, both.shape), left_side=True, lower=True)


def whiten_unstr(inverse: Array, patterns: Segments, values: Array) -> Array:
    """(..., S, W) ``C^-1`` values, series by series."""
    if len(inverse) == 1:
        return jnp.einsum("ab,...sb->...sa", inverse[0], values, precision="highest")
    by_series = patterns.expand(jnp.moveaxis(inverse, 0, -1))
    return jnp.einsum("abs,...sb->...sa", by_series, values, precision="highest")


def gain_unstr(inverse: Array, patterns: Segments) -> Array:
    """(S, W) minus the logs of the diagonal of C."""
    return patterns.expand(jnp.log(jnp.einsum("paa->ap", inverse))).T
