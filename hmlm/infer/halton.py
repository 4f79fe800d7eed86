"""Numbers between 0 and 1 that fill the interval evenly, whatever stretch of them is used."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

BITS = 24


def halton(n: Array, dtype: jnp.dtype) -> Array:
    """The ``n``-th number, from 1, of van der Corput's sequence in base 2: the binary digits reversed."""
    place = jnp.arange(BITS, dtype=n.dtype)
    digits = (n >> place) & 1
    return jnp.sum(digits.astype(dtype) * jnp.asarray(0.5, dtype) ** (place + 1).astype(dtype))
