"""Double precision for hmlm's own computations, whatever the user's global JAX flags say."""

from __future__ import annotations

from contextlib import AbstractContextManager

import jax


def double_precision() -> AbstractContextManager[None]:
    """Context in which arrays are float64; thread-local, the global flag is never touched."""
    return jax.enable_x64(True)
