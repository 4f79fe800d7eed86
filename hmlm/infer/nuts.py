"""NUTS: chains of a group start, advance by a chunk of draws, and meet others to learn a metric.

Warm-up and sampling are one program: the state counts the draws, and the tuning stands still when ``warmup``
of them have passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.state import DensityData, Static
from hmlm.infer.draws import Draws, draws_per_call, no_draws, put
from hmlm.infer.evaluate import place_at
from hmlm.infer.integrator import Place, gradients_per_step, move_in
from hmlm.infer.metric import Metric, first_metric, pulled_back, scaled
from hmlm.infer.over_chains import over_chains
from hmlm.infer.schedule import Schedule
from hmlm.infer.seen import rows_of_a_chain
from hmlm.infer.settings import Settings
from hmlm.infer.tree import Memory, Noise, draw_noise, empty_memory, transition
from hmlm.infer.trees import as_before, as_one, for_each, of_one, stacked
from hmlm.infer.warmup import Learning, Warmup

NOISE_AT_A_TIME = 25  # draws


class Chain(NamedTuple):
    """A chain between two draws, each with a key of its own."""

    key: Array
    place: Place
    step_size: Array
    learning: Learning


class Group(NamedTuple):
    """Chains of one group, leaves (C, ...), and what they share, leaves (1, ...): draws done, metric."""

    chains: Chain
    n_done: Array
    metric: Metric


Carried = tuple[Chain, Memory, Draws]


@dataclass(frozen=True)
class Nuts:
    """The program of a run; equal values share compiled code. A call makes at most ``chunk`` draws."""

    static: Static
    warmup: Warmup
    metric: str
    max_tree_depth: int
    chunk: int

    @property
    def meetings(self) -> tuple[int, ...]:
        """Where windows of warm-up end."""
        return self.warmup.schedule.ends

    def start(self, keys: Array, positions: Array, data: DensityData) -> Group:
        """Chains at (C, D) ``positions``."""
        size, dtype = positions.shape[1], positions.dtype
        metric = first_metric(self.metric, self.static.layout.n_population, size, dtype)
        chains = over_chains(partial(start_chain, self), 2, keys, positions, data)
        return Group(chains, jnp.zeros(1, jnp.int32), as_one(metric))

    def advance(self, group: Group, data: DensityData, n: Array) -> tuple[Group, Draws]:
        """The group after ``n`` draws, and (C, chunk) draws whose first ``n`` these are."""
        shared = of_one((group.n_done, group.metric))
        chains, draws = over_chains(partial(advance_chain, self), 1, group.chains, *shared, data, n)
        return group._replace(chains=chains, n_done=group.n_done + n), draws

    def meet(self, groups: list[Group]) -> list[Group]:
        """The groups with the metric that their chains found together."""
        learning = stacked([group.chains.learning for group in groups])
        n_done, metric = jax.tree.map(np.asarray, of_one((groups[0].n_done, groups[0].metric)))
        learnt = self.warmup.met(int(n_done), learning, metric)
        ends = np.cumsum([len(group.chains.step_size) for group in groups])
        return [
            _taught(group, slice(end - len(group.chains.step_size), end), *learnt)
            for group, end in zip(groups, ends, strict=True)
        ]

    def log_densities(self, group: Group) -> tuple[Array, Array]:
        """(C,) log densities and (C, D) gradients where the chains are."""
        return group.chains.place.log_density, group.chains.place.gradient


def make_nuts(static: Static, settings: Settings, together: int) -> Nuts:
    """The program for a density under the settings of a run, ``together`` chains in one group."""
    chunk = settings.chunk or draws_per_call(static.layout.size, together)
    schedule = Schedule(settings.warmup)
    rows = rows_of_a_chain(settings.chains, schedule.longest)
    warmup = Warmup(schedule, settings.target_accept, rows)
    return Nuts(static, warmup, settings.metric, settings.max_tree_depth, chunk)


def _taught(group: Group, part: slice, step_size: np.ndarray, learning: Learning, metric: Metric) -> Group:
    """The group with its part of what all chains learnt."""
    learning = jax.tree.map(lambda leaf: leaf[part], learning)
    chains = group.chains._replace(step_size=step_size[part], learning=learning)
    return as_before(group, group._replace(chains=chains, metric=for_each(metric, len(group.n_done))))


def start_chain(nuts: Nuts, key: Array, position: Array, data: DensityData) -> Chain:
    """State of one chain at (D,) ``position``."""
    tuning = nuts.warmup.start(len(position), position.dtype)
    return Chain(key, place_at(nuts.static, position, data), *tuning)


def advance_chain(
    nuts: Nuts, chain: Chain, n_done: Array, metric: Metric, data: DensityData, n: Array
) -> tuple[Chain, Draws]:
    """The chain after ``n`` draws, at most a chunk of them, and a chunk whose first ``n`` these are."""
    size, dtype = len(chain.place.position), chain.place.position.dtype
    width = min(nuts.chunk, NOISE_AT_A_TIME)

    def noise_of(number: Array) -> Noise:
        return draw_noise(jax.random.fold_in(chain.key, number), size, nuts.max_tree_depth, dtype)

    def block(b: Array, carried: Carried) -> Carried:
        first = b * width
        noise = jax.vmap(noise_of)(n_done + first + jnp.arange(width, dtype=n_done.dtype))

        def step(i: Array, carried: Carried) -> Carried:
            chain, memory, draws = carried
            now = jax.tree.map(lambda part: part[i], noise)
            chain, memory, draw = _next(nuts, chain, n_done + first + i, metric, memory, now, data)
            return chain, memory, put(draws, first + i, draw)

        return jax.lax.fori_loop(0, jnp.minimum(n - first, width), step, carried)

    memory = empty_memory(size, nuts.max_tree_depth, dtype)
    nothing = chain, memory, no_draws((nuts.chunk,), size, dtype)
    chain, _, draws = jax.lax.fori_loop(0, (n + width - 1) // width, block, nothing)
    return chain, draws


def _next(
    nuts: Nuts, chain: Chain, n_done: Array, metric: Metric, memory: Memory, noise: Noise, data: DensityData
) -> tuple[Chain, Memory, Draws]:
    start, step_size = chain.place, chain.step_size

    def evaluate(offset: Array) -> tuple[Place, Array]:
        place = place_at(nuts.static, start.position + scaled(metric, offset), data)
        return place, pulled_back(metric, place.gradient)

    size, gradient = len(start.position), pulled_back(metric, start.gradient)
    made, memory = transition(evaluate, start, gradient, step_size, noise, memory, move_in(size))
    place, rate = made.place, made.acceptance_rate
    tuned = nuts.warmup.update(n_done, place, rate, step_size, chain.learning)
    draws = Draws(
        position=place.position,
        lp=place.log_density,
        energy=made.energy,
        n_steps=gradients_per_step(size) * made.n_steps,
        acceptance_rate=rate,
        diverging=made.diverging,
        step_size=step_size,
    )
    return Chain(chain.key, place, *tuned), memory, draws
