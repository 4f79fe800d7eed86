"""The log density as optimisers and variational families call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.custom_batching import sequential_vmap

from hmlm.density.log_density import log_density
from hmlm.density.state import DensityData, Static

Target = Callable[[Array], Array]


def make_target(static: Static, data: DensityData) -> Target:
    """(D,) -> log density, minus infinity where it is undefined; its gradient costs no second evaluation.

    On a CPU a batch of points is evaluated one after another: rows times points would not fit into caches.
    """

    def value(x: Array, data: DensityData) -> Array:
        found = log_density(static, x, data)
        return jnp.where(jnp.isnan(found), -jnp.inf, found)

    one_by_one = sequential_vmap if jax.default_backend() == "cpu" else _as_it_is
    evaluate, differentiate = one_by_one(value), one_by_one(jax.value_and_grad(value))
    target = jax.custom_vjp(evaluate)
    target.defvjp(differentiate, lambda gradient, factor: (factor * gradient, None))
    return lambda x: target(x, data)


def _as_it_is(function: Any) -> Any:
    return function
