"""Draws as every algorithm makes them, and the room that a call has for them."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

NUMBERS_PER_CALL = 2**20  # in the positions of a call's draws: making room for them takes time too
FEWEST, MOST = 10, 1000  # draws that a call has room for


class Draws(NamedTuple):
    """A chunk of one chain: positions (S, D) and statistics (S,) of each draw.

    ``n_steps`` counts gradients, ``lp`` is the log density of the unconstrained position, ``energy`` the
    Hamiltonian.
    """

    position: Array
    lp: Array
    energy: Array
    n_steps: Array
    acceptance_rate: Array
    diverging: Array
    step_size: Array


def draws_per_call(size: int, together: int) -> int:
    """How many draws of ``together`` chains in ``size`` dimensions a call has room for."""
    return min(max(NUMBERS_PER_CALL // (size * together), FEWEST), MOST)


def no_draws(shape: tuple[int, ...], size: int, dtype: jnp.dtype) -> Draws:
    """Room for draws of one chain, ``shape`` (n,), or of several, ``(C, n)``."""
    number = jnp.zeros(shape, dtype)
    return Draws(
        position=jnp.zeros((*shape, size), dtype),
        lp=number,
        energy=number,
        n_steps=jnp.zeros(shape, jnp.int32),
        acceptance_rate=number,
        diverging=jnp.zeros(shape, bool),
        step_size=number,
    )


def put(draws: Draws, i: Array, one: Draws) -> Draws:
    """Draws with draw ``i`` of a chain in its place."""
    return jax.tree.map(lambda all, new: all.at[i].set(new), draws, one)
