"""Normal outcomes whose series have one correlation matrix, as a NumPyro distribution."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist
from numpyro.distributions import constraints


class Alike(NamedTuple):
    """(S, n) rows of series that have the same (n,) places in the correlation matrix."""

    rows: np.ndarray
    places: np.ndarray


class RepeatedNormal(dist.Distribution):
    """N outcomes, multivariate normal series by series: covariances ``scale_i scale_j R[place_i, place_j]``.

    Args:
        loc, scale: (N,).
        correlation: (W, W) R.
        series: (N,) series of each row.
        place: (N,) row and column of R that each has.
    """

    support = constraints.real_vector
    reparametrized_params = ()

    def __init__(
        self, loc: Array, scale: Array, correlation: Array, series: np.ndarray, place: np.ndarray
    ) -> None:
        self.loc, self.correlation = loc, correlation
        self.scale = jnp.broadcast_to(scale, loc.shape)
        self.alike = series_alike(np.asarray(series), np.asarray(place))
        super().__init__((), loc.shape)

    def log_prob(self, value: Array) -> Array:
        """() log density of (N,) outcomes."""
        return sum(self._joint(part).log_prob(value[part.rows]).sum() for part in self.alike)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        """Outcomes of all series."""
        out = jnp.broadcast_to(self.loc, (*sample_shape, *self.event_shape))
        for n, part in enumerate(self.alike):
            drawn = self._joint(part).sample(jax.random.fold_in(key, n), sample_shape)
            out = out.at[..., part.rows].set(drawn)
        return out

    def _joint(self, part: Alike) -> dist.MultivariateNormal:
        scale = self.scale[part.rows]
        own = self.correlation[np.ix_(part.places, part.places)]
        return dist.MultivariateNormal(self.loc[part.rows], scale[:, :, None] * own * scale[:, None, :])


def series_alike(series: np.ndarray, place: np.ndarray) -> list[Alike]:
    """Series by the places that their rows have."""
    found: dict[tuple[int, ...], list[np.ndarray]] = {}
    for one in np.unique(series):
        rows = np.flatnonzero(series == one)
        rows = rows[np.argsort(place[rows])]
        found.setdefault(tuple(place[rows]), []).append(rows)
    return [Alike(np.stack(rows), np.array(places)) for places, rows in found.items()]


def compound_symmetry(rho: Array, size: int) -> Array:
    """(W, W) ``(1 - rho) I + rho 11'``."""
    return rho + (1.0 - rho) * jnp.eye(size)
