"""Expected values, standard deviations and new outcomes of a family, from its linear predictors."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.family_rows import Mapped, as_stated
from hmlm.density.laws.law import Extra
from hmlm.density.laws.registry import law_of

Etas = dict[str, Array]  # (R, S), or (S,) of constants


@partial(jax.jit, static_argnums=0)
def expected(own: Mapped, eta: Etas, extra: Extra) -> Array:
    """(R, S) expected outcomes; ``extra`` has the rows' addition terms, each (R, 1)."""
    thetas = own.thetas(as_stated(own, eta, extra))
    return jnp.broadcast_to(law_of(own.family).mean(thetas, extra), _shape(eta))


@partial(jax.jit, static_argnums=0)
def level_probabilities(own: Mapped, eta: Etas, extra: Extra) -> Array:
    """(K, R, S) probabilities of the levels of a family that has them."""
    found = law_of(own.family).probabilities(own.thetas(as_stated(own, eta, extra)), extra)
    return jnp.broadcast_to(found, (len(found), *_shape(eta)))


@partial(jax.jit, static_argnums=0)
def spread(own: Mapped, eta: Etas, extra: Extra) -> Array:
    """(R, S) standard deviations of outcomes; ``extra`` has the rows' addition terms, each (R, 1)."""
    thetas = own.thetas(as_stated(own, eta, extra))
    return jnp.broadcast_to(jnp.sqrt(law_of(own.family).variance(thetas, extra)), _shape(eta))


@partial(jax.jit, static_argnums=0)
def simulated(own: Mapped, key: Array, start: int, eta: Etas, extra: Extra) -> Array:
    """(R, S) new outcomes; those of a row do not depend on the chunk it comes in."""
    law, shape = law_of(own.family), _shape(eta)
    eta = {dpar: jnp.broadcast_to(value, shape) for dpar, value in as_stated(own, eta, extra).items()}

    def one(row: Array, eta: Etas, extra: Extra) -> Array:
        return law.simulate(jax.random.fold_in(key, row), own.thetas(eta), extra, shape[1:])

    return jax.vmap(one)(start + jnp.arange(shape[0]), eta, dict(extra))


def _shape(eta: Etas) -> tuple[int, ...]:
    return jnp.broadcast_shapes(*(value.shape for value in eta.values()))
