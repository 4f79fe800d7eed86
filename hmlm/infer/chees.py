"""ChEES: Hamiltonian Monte Carlo of many chains whose trajectories all have the same length.

Where chains advance together every one of them waits for the longest trajectory, so that one length for all
wastes nothing. Warm-up climbs the length at which squared distances from the mean change most per step; each
draw goes a share of it that runs evenly through 0 to 1. The step size aims at an acceptance rate. Chains of a
group decide together; groups, and what the metric is learnt from, meet between calls.

References:
    Hoffman, Radul & Sountsov (2021), AISTATS 130, 3907-3915
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax

from hmlm.density.state import DensityData, Static
from hmlm.infer.draws import Draws, draws_per_call, no_draws
from hmlm.infer.evaluate import place_at
from hmlm.infer.halton import halton
from hmlm.infer.integrator import Place, gradients_per_step
from hmlm.infer.meeting import in_place_of, stacked
from hmlm.infer.metric import Metric, unit_metric, unscaled
from hmlm.infer.schedule import Schedule
from hmlm.infer.seen import Seen, metric_from, nothing_seen, rows_of_a_chain, see
from hmlm.infer.settings import Settings
from hmlm.infer.trajectory import Proposal, run, taken
from hmlm.infer.warmup import FIRST_STEP_SIZE, first_averages, next_averages

FIRST_LENGTH = 1.5  # of a trajectory, near a quarter of the period of a standard normal density
MOST_STEPS = 1000
LEAST_RATE = 0.05  # of acceptance, in the harmonic mean: a chain that is stuck must not stop the others
CLIP = 0.3  # of a change of the logarithm of the length

climb = optax.chain(
    optax.scale_by_adam(b1=0.0, b2=0.95), optax.scale_by_learning_rate(0.025, flip_sign=False)
)


class Length(NamedTuple):
    """The logarithm of the trajectories' length, its average over warm-up, and the climb's state."""

    log: Array
    average: Array
    climb: Any


class Shared(NamedTuple):
    """What chains of a group share, leaves (1, ...) between calls."""

    n_done: Array
    metric: Metric
    step_size: Array
    averages: Any
    length: Length


class Group(NamedTuple):
    """Chains of one group: (C, 2) keys, (C, ...) places and what they saw; and what they share."""

    key: Array
    place: Place
    seen: Seen
    shared: Shared


@dataclass(frozen=True)
class Chees:
    """The program of a run; equal values share compiled code. A call makes at most ``chunk`` draws."""

    static: Static
    schedule: Schedule
    target_accept: float
    rows: int
    chunk: int

    @property
    def meetings(self) -> tuple[int, ...]:
        """Where windows of warm-up end."""
        return self.schedule.ends

    def start(self, keys: Array, positions: Array, data: DensityData) -> Group:
        """Chains at (C, D) ``positions``."""
        (n, size), dtype = positions.shape, positions.dtype
        places = jax.vmap(lambda x: place_at(self.static, x, data))(positions)
        seen = jax.tree.map(lambda leaf: jnp.tile(leaf, (n, 1, 1)), nothing_seen(self.rows, size, dtype))
        step_size, log = jnp.asarray(FIRST_STEP_SIZE, dtype), jnp.log(jnp.asarray(FIRST_LENGTH, dtype))
        shared = Shared(
            n_done=jnp.int32(0),
            metric=unit_metric(self.static.layout.n_population, size, dtype),
            step_size=step_size,
            averages=first_averages(jnp.log(step_size)),
            length=Length(log, log, climb.init(log)),
        )
        return Group(keys, places, seen, jax.tree.map(lambda leaf: leaf[None], shared))

    def advance(self, group: Group, data: DensityData, n: Array) -> tuple[Group, Draws]:
        """The group after ``n`` draws, and (C, chunk) draws whose first ``n`` these are."""
        room = no_draws(
            (self.chunk, len(group.key)), group.place.position.shape[1], group.place.position.dtype
        )
        group = group._replace(shared=jax.tree.map(lambda leaf: leaf[0], group.shared))

        def step(i: Array, carried: tuple[Group, Draws]) -> tuple[Group, Draws]:
            group, draw = self._next(carried[0], data)
            return group, jax.tree.map(lambda all, one: all.at[i].set(one), carried[1], draw)

        group, draws = lax.fori_loop(0, n, step, (group, room))
        group = group._replace(shared=jax.tree.map(lambda leaf: leaf[None], group.shared))
        return group, jax.tree.map(lambda leaf: leaf.swapaxes(0, 1), draws)

    def meet(self, groups: list[Group]) -> list[Group]:
        """The groups with one metric, step size and length, that all of them found together."""
        shared = stacked([group.shared for group in groups])
        n_done, metric = int(shared.n_done[0]), jax.tree.map(lambda leaf: leaf[0], shared.metric)
        if n_done < self.schedule.draws:
            seen = stacked([group.seen for group in groups])
            metric = metric_from(seen, self.schedule.window(n_done), n_done, metric)
        log_step = shared.averages[1].mean()
        log = shared.length.average.mean() if n_done == self.schedule.draws else shared.length.log.mean()
        learnt = Shared(
            n_done=shared.n_done[0],
            metric=metric,
            step_size=np.exp(log_step),
            averages=first_averages(log_step),
            length=Length(log, log, climb.init(jnp.asarray(log))),
        )
        return [
            in_place_of(group, group._replace(shared=_each(learnt, len(group.shared.n_done))))
            for group in groups
        ]

    def log_densities(self, group: Group) -> tuple[Array, Array]:
        """(C,) log densities and (C, D) gradients where the chains are."""
        return group.place.log_density, group.place.gradient

    def _next(self, group: Group, data: DensityData) -> tuple[Group, Draws]:
        """Every chain one draw further."""
        shared, size, dtype = group.shared, group.place.position.shape[1], group.place.position.dtype
        keys = jax.vmap(lambda key: jax.random.split(jax.random.fold_in(key, shared.n_done)))(group.key)
        momentum = jax.vmap(lambda key: jax.random.normal(key, (size,), dtype))(keys[:, 0])
        uniform = jax.vmap(lambda key: jax.random.uniform(key, (), dtype))(keys[:, 1])
        share = halton(shared.n_done + 1, dtype)
        n = jnp.ceil(share * jnp.exp(shared.length.log) / shared.step_size).astype(jnp.int32)
        n = jnp.clip(n, 1, MOST_STEPS)
        proposal = run(self.static, shared.metric, group.place, momentum, shared.step_size, n, data)
        rate = proposal.acceptance_rate
        place = taken(uniform < rate, proposal.place, group.place)
        draws = Draws(
            position=place.position,
            lp=place.log_density,
            energy=jnp.where(uniform < rate, proposal.energy, proposal.energy - proposal.energy_error),
            n_steps=jnp.full(len(rate), n * gradients_per_step(size)),
            acceptance_rate=rate,
            diverging=proposal.diverging,
            step_size=jnp.full(len(rate), shared.step_size),
        )
        after = self._after(group, place, proposal, n * shared.step_size)
        return after._replace(shared=after.shared._replace(n_done=shared.n_done + 1)), draws

    def _after(self, group: Group, place: Place, proposal: Proposal, time: Array) -> Group:
        """The group at its new places; in warm-up it learns."""
        shared = group.shared

        def learn() -> tuple[Seen, Shared]:
            seen = jax.vmap(see, (0, None, 0))(group.seen, shared.n_done, place)
            rate = proposal.acceptance_rate
            accepted = 1 / jnp.mean(1 / jnp.maximum(rate, LEAST_RATE))
            averages = next_averages(self.target_accept - accepted, shared.averages)
            start = jax.vmap(unscaled, (None, 0))(shared.metric, group.place.position)
            length = climbed(shared.length, slope(start, proposal, time), shared.n_done)
            return seen, shared._replace(step_size=jnp.exp(averages[0]), averages=averages, length=length)

        seen, shared = lax.cond(
            shared.n_done < self.schedule.draws, learn, lambda: (group.seen, group.shared)
        )
        return Group(group.key, place, seen, shared)


def make_chees(static: Static, settings: Settings, together: int) -> Chees:
    """The program for a density under the settings of a run, ``together`` chains in one group."""
    schedule = Schedule(settings.warmup)
    return Chees(
        static=static,
        schedule=schedule,
        target_accept=settings.target_accept,
        rows=rows_of_a_chain(settings.chains, schedule.longest),
        chunk=settings.chunk or draws_per_call(static.layout.size, together),
    )


def slope(start: Array, proposal: Proposal, time: Array) -> Array:
    """By the logarithm of the time, that of the mean squared change of squared distances per unit of time.

    Args:
        start: (C, D) positions in the metric's coordinates.
        proposal: where they came to.
        time: how long it took.
    """
    rate, end = proposal.acceptance_rate, start + proposal.point.offset
    weight = jnp.where(jnp.isfinite(end).all(axis=1), rate, 0.0)
    end = jnp.where(weight[:, None] > 0, end, 0.0)
    momentum = jnp.where(weight[:, None] > 0, proposal.point.momentum, 0.0)
    centre = jnp.sum(weight[:, None] * end, axis=0) / jnp.maximum(jnp.sum(weight), 1e-6)
    change = jnp.sum((end - centre) ** 2, axis=1) - jnp.sum((start - start.mean(0)) ** 2, axis=1)
    speed = jnp.sum((end - centre) * momentum, axis=1)
    gained, squared = jnp.sum(weight * change * speed) * time, jnp.sum(weight * change**2)
    return jnp.nan_to_num(4 * gained / squared - 1.0, nan=0.0, posinf=0.0, neginf=0.0)


def climbed(length: Length, slope: Array, n_done: Array) -> Length:
    """The length a step up the slope."""
    change, state = climb.update(slope, length.climb)
    log = length.log + jnp.clip(change, -CLIP, CLIP)
    share = 1 / (n_done + 1.0) ** 0.5
    return Length(log, (1 - share) * length.average + share * log, state)


def _each(shared: Shared, n: int) -> Shared:
    """What groups share, for each of ``n`` devices."""
    return jax.tree.map(lambda leaf: np.tile(np.asarray(leaf), (n, *(1,) * np.ndim(leaf))), shared)
