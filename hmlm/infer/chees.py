"""ChEES: Hamiltonian Monte Carlo of many chains whose trajectories all have the same length.

Where chains advance together every one of them waits for the longest trajectory, so that one length for all
wastes nothing. Warm-up climbs the length at which squared distances from the mean change most; each draw goes
a share of it that runs evenly through 0 to 1. The step size aims at an acceptance rate. Chains of a group
decide together; groups, and what the metric is learnt from, meet between calls.

References:
    Hoffman, Radul & Sountsov (2021), AISTATS 130, 3907-3915
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from hmlm.density.state import DensityData, Static
from hmlm.infer.draws import Draws, draws_per_call
from hmlm.infer.ensemble import Ensemble, advanced, astray, draw_keys, gathered, met, moved, taught
from hmlm.infer.evaluate import place_at
from hmlm.infer.halton import halton
from hmlm.infer.integrator import gradients_per_step
from hmlm.infer.metric import Metric, first_metric, unscaled
from hmlm.infer.schedule import Schedule
from hmlm.infer.seen import rows_of_a_chain
from hmlm.infer.settings import Settings
from hmlm.infer.trajectory import Proposal, run, taken
from hmlm.infer.warmup import FIRST_STEP_SIZE, first_averages, next_averages

FIRST_LENGTH = 1.5  # of a trajectory, near a quarter of the period of a standard normal density
MOST_STEPS = 1000
LEAST_RATE = 0.05  # of acceptance, in the harmonic mean: a chain that is stuck must not stop the others
CLIP = 0.3  # of a change of the logarithm of the length

climb = optax.chain(optax.scale_by_adam(b1=0.0, b2=0.95), optax.scale(0.025))


class Length(NamedTuple):
    """The logarithm of the trajectories' length, its average over the window, and the climb's state."""

    log: Array
    average: Array
    climb: Any


class Shared(NamedTuple):
    """What chains of a group share."""

    n_done: Array
    metric: Metric
    step_size: Array
    averages: Any
    length: Length


@dataclass(frozen=True)
class Chees:
    """The program of a run; equal values share compiled code. A call makes at most ``chunk`` draws."""

    static: Static
    schedule: Schedule
    target_accept: float
    metric: str
    rows: int
    chunk: int

    @property
    def meetings(self) -> tuple[int, ...]:
        """Where windows of warm-up end."""
        return self.schedule.ends

    def start(self, keys: Array, positions: Array, data: DensityData) -> Ensemble:
        """Chains at (C, D) ``positions``."""
        size, dtype = positions.shape[1], positions.dtype
        log = jnp.log(jnp.asarray([FIRST_STEP_SIZE, FIRST_LENGTH], dtype))
        shared = Shared(
            n_done=jnp.int32(0),
            metric=first_metric(self.metric, self.static.layout.n_population, size, dtype),
            step_size=jnp.exp(log[0]),
            averages=first_averages(log[0]),
            length=Length(log[1], log[1], climb.init(log[1])),
        )
        places = jax.vmap(lambda x: place_at(self.static, x, data))(positions)
        return gathered(keys, positions, places, shared, self.rows)

    def advance(self, group: Ensemble, data: DensityData, n: Array) -> tuple[Ensemble, Draws]:
        """The group after ``n`` draws, and (C, chunk) draws whose first ``n`` these are."""
        return advanced(partial(self._next, data), group, self.chunk, n)

    def meet(self, groups: list[Ensemble]) -> list[Ensemble]:
        """The groups with one metric, step size and length, that all of them found together."""
        n_done, metric, found = met(groups, self.schedule)
        log_step, log = found.averages[1].mean(), found.length.average.mean()
        shared = Shared(
            n_done=n_done,
            metric=metric,
            step_size=np.exp(log_step),
            averages=first_averages(log_step),
            length=Length(log, log, climb.init(jnp.asarray(log))),
        )
        return taught(groups, shared)

    def log_densities(self, group: Ensemble) -> tuple[Array, Array]:
        """(C,) log densities and (C, D) gradients where the chains are."""
        return group.chains.log_density, group.chains.gradient

    def _next(self, data: DensityData, group: Ensemble) -> tuple[Ensemble, Draws]:
        """Every chain one draw further."""
        shared, start = group.shared, group.chains
        (n_chains, size), dtype = start.position.shape, start.position.dtype
        of_choice, of_momentum = draw_keys(group)
        uniform = jax.vmap(lambda key: jax.random.uniform(key, (), dtype))(of_choice)
        momentum = jax.vmap(lambda key: jax.random.normal(key, (size,), dtype))(of_momentum)
        length = halton(shared.n_done + 1, dtype) * jnp.exp(shared.length.log)
        n = jnp.clip(jnp.ceil(length / shared.step_size), 1, MOST_STEPS).astype(jnp.int32)
        proposal = run(self.static, shared.metric, start, momentum, shared.step_size, n, data)
        rate = proposal.acceptance_rate
        place = taken(uniform < rate, proposal.place, start)
        draws = Draws(
            position=place.position,
            lp=place.log_density,
            energy=jnp.where(uniform < rate, proposal.energy, proposal.energy_before),
            n_steps=jnp.full(n_chains, n * gradients_per_step(size)),
            acceptance_rate=rate,
            diverging=proposal.diverging,
            step_size=jnp.full(n_chains, shared.step_size),
        )
        learn = partial(self._learnt, group, proposal, n * shared.step_size)
        return moved(group, self.schedule, place, place, learn), draws

    def _learnt(self, group: Ensemble, proposal: Proposal, time: Array) -> Shared:
        """What the group shares after a draw of warm-up."""
        shared = group.shared
        counts = ~astray(group.chains)
        rates = jnp.maximum(proposal.acceptance_rate, LEAST_RATE)
        accepted = counts.sum() / jnp.maximum(jnp.sum(counts / rates), 1e-6)
        averages = next_averages(self.target_accept - accepted, shared.averages)
        start = jax.vmap(unscaled, (None, 0))(shared.metric, group.chains.position)
        length = climbed(shared.length, slope(start, counts, proposal, time), averages[3])
        return shared._replace(step_size=jnp.exp(averages[0]), averages=averages, length=length)


def make_chees(static: Static, settings: Settings, together: int) -> Chees:
    """The program for a density under the settings of a run, ``together`` chains in one group."""
    schedule = Schedule(settings.warmup)
    return Chees(
        static=static,
        schedule=schedule,
        target_accept=settings.target_accept,
        metric=settings.metric,
        rows=rows_of_a_chain(settings.chains, schedule.longest),
        chunk=settings.chunk or draws_per_call(static.layout.size, together),
    )


def slope(start: Array, counts: Array, proposal: Proposal, time: Array) -> Array:
    """By the logarithm of the time, that of the mean squared change of squared distances, up to a factor.

    Args:
        start: (C, D) positions in the metric's coordinates.
        counts: (C,) which chains count.
        proposal: where they came to; what is undefined has no weight.
        time: how long it took.
    """
    weight = jnp.where(counts, proposal.acceptance_rate, 0.0)
    defined = (weight > 0)[:, None]
    start = start - jnp.sum(jnp.where(counts[:, None], start, 0.0), axis=0) / jnp.maximum(counts.sum(), 1)
    end = jnp.where(defined, start + proposal.point.offset, 0.0)
    momentum = jnp.where(defined, proposal.point.momentum, 0.0)
    centre = weight @ end / jnp.maximum(weight.sum(), 1e-6)
    change = jnp.sum((end - centre) ** 2, axis=1) - jnp.sum(start**2, axis=1)
    speed = jnp.sum((end - centre) * momentum, axis=1)
    return time * jnp.mean(weight * change * speed)


def climbed(length: Length, slope: Array, n: Array) -> Length:
    """The length a step up the slope, the ``n``-th of the window."""
    change, state = climb.update(slope, length.climb)
    log = length.log + jnp.clip(change, -CLIP, CLIP)
    share = 1 / jnp.sqrt(n.astype(log.dtype))
    return Length(log, (1 - share) * length.average + share * log, state)
