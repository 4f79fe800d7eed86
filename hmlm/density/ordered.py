"""Priors of an increasing vector: each entry has its own, restricted to where they increase."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist
from numpyro.distributions import constraints

from hmlm.density.priors import to_numpyro
from hmlm.spec.support import Support
from hmlm.types import Distribution


class Ordered(dist.Distribution):
    """Independent entries given that they increase; the density lacks the constant of that condition.

    Args:
        priors: of each entry.
    """

    support = constraints.ordered_vector

    def __init__(self, priors: Sequence[Distribution]) -> None:
        self.bases = tuple(to_numpyro(prior, Support.REAL) for prior in priors)
        self.exchangeable = len(set(priors)) == 1
        super().__init__((), (len(self.bases),))

    def log_prob(self, value: Array) -> Array:
        """Sum of the entries' log densities."""
        entries = (base.log_prob(value[..., k]) for k, base in enumerate(self.bases))
        return sum(jnp.broadcast_to(entry, value.shape[:-1]) for entry in entries)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        """Draws of all entries, drawn again until they increase; exact at once where all priors are equal."""
        if self.exchangeable:
            return jnp.sort(self._entries(key, sample_shape))

        def again(state: tuple[Array, Array]) -> tuple[Array, Array]:
            key, own = jax.random.split(state[0])
            good = _increases(state[1])[..., None]
            return key, jnp.where(good, state[1], self._entries(own, sample_shape))

        start = (key, self._entries(jax.random.fold_in(key, 0), sample_shape))
        return jax.lax.while_loop(lambda state: ~jnp.all(_increases(state[1])), again, start)[1]

    def _entries(self, key: Array, shape: tuple[int, ...]) -> Array:
        keys = jax.random.split(key, len(self.bases))
        return jnp.stack(
            [base.sample(own, shape) for base, own in zip(self.bases, keys, strict=True)], axis=-1
        )


def _increases(values: Array) -> Array:
    return jnp.all(values[..., 1:] > values[..., :-1], axis=-1)
