"""Arrays from the host to the device."""

from __future__ import annotations

import jax
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, DTypeLike


def on_device(values: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """The values as a JAX array; ``jnp.asarray`` of NumPy's compiles a program for every new shape."""
    return jax.device_put(np.asarray(values, dtype))
