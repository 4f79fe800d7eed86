"""A Hamiltonian trajectory of a given number of steps, for many chains at once, and whether it is taken."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from hmlm.density.state import DensityData, Static
from hmlm.infer.evaluate import place_at
from hmlm.infer.integrator import Place, Point, move_in
from hmlm.infer.metric import Metric, pulled_back, scaled
from hmlm.infer.tree import LARGEST_ENERGY_ERROR


class Proposal(NamedTuple):
    """Where trajectories of C chains end, leaves (C, ...); the error is NaN where a density is undefined."""

    place: Place
    point: Point
    energy: Array
    energy_before: Array

    @property
    def energy_error(self) -> Array:
        """(C,) by how much the energy changed."""
        return self.energy - self.energy_before

    @property
    def acceptance_rate(self) -> Array:
        """(C,) probability that it is taken, 0 where it is undefined."""
        return jnp.nan_to_num(jnp.exp(jnp.minimum(-self.energy_error, 0.0)), nan=0.0)

    @property
    def diverging(self) -> Array:
        """(C,) whether the energy is far off."""
        return ~(self.energy_error < LARGEST_ENERGY_ERROR)


def run(
    static: Static,
    metric: Metric,
    starts: Place,
    momentum: Array,
    step_size: Array,
    n: Array,
    data: DensityData,
) -> Proposal:
    """``n`` steps from (C,) places with (C, D) momenta, standard normal in the metric's coordinates."""
    move = move_in(momentum.shape[1])

    def step(start: Array, point: Point) -> tuple[Place, Point]:
        def evaluate(offset: Array) -> tuple[Place, Array]:
            place = place_at(static, start + scaled(metric, offset), data)
            return place, pulled_back(metric, place.gradient)

        return move(evaluate, 0.5 * step_size, point)

    gradient = jax.vmap(pulled_back, (None, 0))(metric, starts.gradient)
    first = (starts, Point(jnp.zeros_like(momentum), momentum, gradient))
    place, point = lax.fori_loop(0, n, lambda _, now: jax.vmap(step)(starts.position, now[1]), first)
    before, after = energy(momentum, starts), energy(point.momentum, place)
    return Proposal(place, point, after, before)


def energy(momentum: Array, place: Place) -> Array:
    """(C,) the Hamiltonian."""
    return 0.5 * jnp.sum(momentum**2, axis=-1) - place.log_density


def taken(which: Array, new: Place, old: Place) -> Place:
    """Places of C chains, the new ones where ``which``."""
    pick = lambda a, b: jnp.where(which.reshape(-1, *(1,) * (a.ndim - 1)), a, b)  # noqa: E731
    return jax.tree.map(pick, new, old)
