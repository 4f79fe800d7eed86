"""What families of levels have in common: outcomes are codes from 0, stored as numbers like all others."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist
from numpyro.distributions import constraints


class Codes(dist.Distribution):
    """A distribution of whole numbers whose values are floats.

    Args:
        base: of integer codes.
    """

    support = constraints.real

    def __init__(self, base: dist.Distribution) -> None:
        self.base = base
        super().__init__(base.batch_shape)

    def log_prob(self, value: Array) -> Array:
        """Of the base."""
        return self.base.log_prob(jnp.asarray(value).astype(int))

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        """Codes as floats."""
        return self.base.sample(key, sample_shape).astype(float)


def draw_codes(key: Array, cumulative: Sequence[Array], shape: tuple[int, ...]) -> Array:
    """Codes from their cumulative probabilities, all but the last one, which is 1."""
    uniform = jax.random.uniform(key, shape, jnp.result_type(*cumulative))
    return sum((uniform > below).astype(uniform.dtype) for below in cumulative)


def at_code(y: Array, values: Sequence[Array], first: int = 0) -> Array:
    """The value of each row's code, ``values`` being those of the codes from ``first``; 0 of other codes."""
    return sum(jnp.where(y == first + k, value, 0.0) for k, value in enumerate(values))
