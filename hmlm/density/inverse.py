"""From named parameters back to the coordinates that are sampled.

Maps of parameters are many, each simple; Newton's method undoes them all together.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.constrained import constrained_values
from hmlm.density.log_density import LogDensity
from hmlm.density.precision import double_precision
from hmlm.density.state import DensityData, Static, parameters_at
from hmlm.types import HmlmError

STEPS = 100
LONGEST = 2.0  # step of a coordinate, in posterior standard deviations
CLOSE = 1e-6  # in the same


def population_coordinates(density: LogDensity, values: np.ndarray) -> np.ndarray:
    """(n_population,) coordinates at which the named parameters are (P,) ``values``, as ``names``.

    Raises:
        HmlmError: there are none: the values break a bound, or some of them follow from the others and don't.
    """
    x = density.initial[: density.layout.n_population]
    for _ in range(STEPS):
        with double_precision():
            found, jacobian = map(np.asarray, _named(density.static, jnp.asarray(x), density.data))
        scale = 1.0 / np.maximum(np.linalg.norm(jacobian, axis=1), 1e-300)
        step = np.linalg.lstsq(jacobian * scale[:, None], (values - found) * scale, rcond=1e-12)[0]
        if not np.isfinite(step).all():
            break
        if np.max(np.abs(step), initial=0.0) < CLOSE:
            _check_close((values - found) * scale)
            return x
        x = x + step * min(1.0, LONGEST / np.max(np.abs(step)))
    raise HmlmError("these parameters are none of this model: one is out of its bounds, or far from the data")


def _check_close(missing: np.ndarray) -> None:
    if np.max(np.abs(missing), initial=0.0) > 1e3 * CLOSE:
        raise HmlmError(
            "these parameters are none of this model: some of them follow from others, and do not"
        )


@jax.jit(static_argnums=0)
def _named(static: Static, x: Array, data: DensityData) -> tuple[Array, Array]:
    """(P,) parameters at (n_population,) coordinates, and their Jacobian."""
    rest = jnp.zeros(static.layout.size - len(x), x.dtype)

    def named(population: Array) -> Array:
        parameters, _ = parameters_at(static, jnp.concatenate([population, rest]), data)
        return constrained_values(static.spec, parameters, data.model)

    return named(x), jax.jacrev(named)(x)
