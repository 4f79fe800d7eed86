"""A distribution between bounds that can be drawn from, also where NumPyro lacks its quantile function."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist
from numpyro.distributions import constraints

HALVINGS = 64  # of the bracket of a quantile


class Truncated(dist.Distribution):
    """``p(x) / (F(high) - F(low))`` between ``low`` and ``high``.

    Args:
        base: a scalar distribution with a cdf.
        low: lower bound, ``-inf`` for none; not both may be missing.
        high: upper bound, ``inf`` for none.
        center: where the base is symmetric around it. Far above it the cdf rounds to 1, so that such an
            interval is looked at in the mirror.
    """

    def __init__(
        self, base: dist.Distribution, low: float, high: float, *, center: float | None = None
    ) -> None:
        self.base, self.low, self.high, self.center = base, low, high, center
        self.mirrored = center is not None and low > center
        super().__init__(())

    @property
    def support(self) -> constraints.Constraint:
        """Values between the bounds."""
        return between(self.low, self.high)

    def log_prob(self, value: Array) -> Array:
        """Log density; the bounds themselves are not looked at."""
        below, above = self._shares()
        return self.base.log_prob(value) - jnp.log(above - below)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        """Draws by the quantile function, which is found by halving a bracket."""
        below, above = self._shares()
        share = jax.random.uniform(key, sample_shape, jnp.result_type(float))
        value = self._quantile(below + share * (above - below))
        return 2 * self.center - value if self.mirrored else value

    def _ends(self) -> tuple[float, float]:
        if not self.mirrored:
            return self.low, self.high
        return 2 * self.center - self.high, 2 * self.center - self.low

    def _shares(self) -> tuple[Array, Array]:
        """Probability of the base below either end."""
        low, high = self._ends()
        below = jnp.zeros(()) if low == -math.inf else self.base.cdf(jnp.asarray(low))
        return below, jnp.ones(()) if high == math.inf else self.base.cdf(jnp.asarray(high))

    def _quantile(self, share: Array) -> Array:
        def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
            left, right = bracket
            middle = 0.5 * (left + right)
            under = self.base.cdf(_stretched(middle, *self._ends())) < share
            return jnp.where(under, middle, left), jnp.where(under, right, middle)

        start = jnp.zeros_like(share), jnp.ones_like(share)
        left, right = jax.lax.fori_loop(0, HALVINGS, halve, start)
        return _stretched(0.5 * (left + right), *self._ends())


def between(low: float, high: float) -> constraints.Constraint:
    """The constraint of values between two bounds, infinite for none."""
    if math.isfinite(low) and math.isfinite(high):
        return constraints.unit_interval if (low, high) == (0.0, 1.0) else constraints.interval(low, high)
    if math.isfinite(low):
        return constraints.positive if low == 0.0 else constraints.greater_than(low)
    return constraints.less_than(high) if math.isfinite(high) else constraints.real


def _stretched(t: Array, low: float, high: float) -> Array:
    """From (0, 1) to (low, high), one of them finite."""
    if math.isfinite(low) and math.isfinite(high):
        return low + t * (high - low)
    return low + t / (1 - t) if math.isfinite(low) else high - (1 - t) / t
