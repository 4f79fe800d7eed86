"""Normal outcomes with AR(1) residuals as a NumPyro distribution: what the model's program states."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist
from numpyro.distributions import constraints


class Autoregressive(dist.Distribution):
    """N outcomes, each given the one before in its series.

    Brms's regression: ``y_i ~ normal(loc_i + rho (y_before - loc_before), scale_i)``. Stationary:
    ``(y - loc) / scale`` is an AR(1) series with innovations of unit variance, whose first has variance
    ``1 / (1 - rho²)``.

    Args:
        loc, scale: (N,).
        rho: ().
        previous: (N,) the row before each, -1 where there is none.
        stationary: which of the two.
    """

    support = constraints.real_vector
    reparametrized_params = ()

    def __init__(
        self, loc: Array, scale: Array, rho: Array, previous: np.ndarray, *, stationary: bool
    ) -> None:
        self.loc, self.rho = loc, rho
        self.scale = jnp.broadcast_to(scale, loc.shape)
        self.previous, self.stationary = np.asarray(previous), stationary
        super().__init__((), loc.shape)

    def log_prob(self, value: Array) -> Array:
        """() log density of (N,) outcomes."""
        residual, is_first = value - self.loc, self.previous < 0
        carried = self._carried(residual, np.arange(len(residual)))
        return dist.Normal(jnp.where(is_first, 0.0, carried), self._spread()).log_prob(residual).sum()

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        """Outcomes, series by series from their first rows on."""
        noise = jax.random.normal(key, (*sample_shape, *self.event_shape)) * self._spread()
        residual = noise
        for rows in generations(self.previous)[1:]:
            residual = residual.at[..., rows].set(noise[..., rows] + self._carried(residual, rows))
        return self.loc + residual

    def _carried(self, residual: Array, rows: np.ndarray) -> Array:
        """What the residuals before those of ``rows`` add to them."""
        before = self.previous[rows]
        ratio = self.scale[rows] / self.scale[before] if self.stationary else 1.0
        return self.rho * ratio * residual[..., before]

    def _spread(self) -> Array:
        """(N,) standard deviations given the row before."""
        first = jnp.sqrt(1.0 - self.rho**2) if self.stationary else 1.0
        return jnp.where(self.previous < 0, self.scale / first, self.scale)


def generations(previous: np.ndarray) -> list[np.ndarray]:
    """Rows by how many come before them in their series."""
    depth = np.zeros(len(previous), int)
    before = previous.copy()
    while np.any(before >= 0):
        depth += before >= 0
        before = np.where(before >= 0, previous[before], -1)
    return [np.flatnonzero(depth == d) for d in range(depth.max(initial=0) + 1)]
