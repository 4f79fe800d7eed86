"""The density at a position, as every algorithm evaluates it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.log_density import log_density
from hmlm.density.state import DensityData, Static
from hmlm.infer.integrator import Place


@jax.jit(static_argnums=0)
def place_at(static: Static, position: Array, data: DensityData) -> Place:
    """The density at a position; traced once for both programs.

    It is minus infinity where it or its gradient is undefined: no chain ever stands where it could not leave.
    """
    value, gradient = jax.value_and_grad(log_density, argnums=1)(static, position, data)
    defined = jnp.isfinite(gradient).all() & ~jnp.isnan(value)
    return Place(position, jnp.where(defined, value, -jnp.inf), gradient)
