"""NUTS as two pure functions: start a chain, advance it by a chunk of draws.

Warm-up and sampling are one program: the state of a chain counts its draws, and its tuning stands still
when ``warmup`` of them have passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.log_density import log_density
from hmlm.density.state import DensityData, Static
from hmlm.infer.draws import Draws, draws_per_call, no_draws, put
from hmlm.infer.integrator import Place, gradients_per_step, move_in
from hmlm.infer.metric import pulled_back, scaled
from hmlm.infer.over_chains import over_chains
from hmlm.infer.settings import Settings
from hmlm.infer.tree import Memory, Noise, draw_noise, empty_memory, transition
from hmlm.infer.warmup import Adaptation, Tuning, Warmup


class Chain(NamedTuple):
    """A chain between two draws; ``n_done`` of them are done, each with a key of its own."""

    key: Array
    n_done: Array
    place: Place
    tuning: Tuning
    adaptation: Adaptation


@dataclass(frozen=True)
class Nuts:
    """The program of a run; equal values share compiled code. A call makes at most ``chunk`` draws."""

    static: Static
    warmup: int
    target_accept: float
    max_tree_depth: int
    chunk: int

    @property
    def adaptation(self) -> Warmup:
        """How it is tuned; population-level coordinates share a dense block of the metric."""
        return Warmup(self.warmup, self.target_accept, self.static.layout.n_population)

    @property
    def meetings(self) -> tuple[int, ...]:
        """None: every chain learns from its own draws."""
        return ()

    def start(self, keys: Array, positions: Array, data: DensityData) -> Chain:
        """Chains at (C, D) ``positions``."""
        return over_chains(partial(start_chain, self), 2, keys, positions, data)

    def advance(self, chains: Chain, data: DensityData, n: Array) -> tuple[Chain, Draws]:
        """Each chain after ``n`` draws, and (C, chunk) draws whose first ``n`` these are."""
        return over_chains(partial(advance_chain, self), 1, chains, data, n)

    def meet(self, states: list[Chain]) -> list[Chain]:
        """The states as they are."""
        return states

    def log_densities(self, chains: Chain) -> tuple[Array, Array]:
        """(C,) log densities and (C, D) gradients where the chains are."""
        return chains.place.log_density, chains.place.gradient


def make_nuts(static: Static, settings: Settings, together: int) -> Nuts:
    """The program for a density under the settings of a run, ``together`` chains in one group."""
    chunk = settings.chunk or draws_per_call(static.layout.size, together)
    return Nuts(static, settings.warmup, settings.target_accept, settings.max_tree_depth, chunk)


def start_chain(nuts: Nuts, key: Array, position: Array, data: DensityData) -> Chain:
    """State of one chain at (D,) ``position``."""
    tuning, adaptation = nuts.adaptation.start(len(position), position.dtype)
    return Chain(key, jnp.int32(0), _place(nuts.static, position, data), tuning, adaptation)


def advance_chain(nuts: Nuts, chain: Chain, data: DensityData, n: Array) -> tuple[Chain, Draws]:
    """The chain after ``n`` draws, at most a chunk of them, and a chunk whose first ``n`` these are."""
    size, dtype = len(chain.place.position), chain.place.position.dtype

    def noise_of(n_done: Array) -> Noise:
        return draw_noise(jax.random.fold_in(chain.key, n_done), size, nuts.max_tree_depth, dtype)

    def step(i: Array, carried: tuple[Chain, Memory, Draws]) -> tuple[Chain, Memory, Draws]:
        chain, memory, draws = carried
        chain, memory, draw = _next(nuts, chain, memory, jax.tree.map(lambda part: part[i], noise), data)
        return chain, memory, put(draws, i, draw)

    noise = jax.vmap(noise_of)(chain.n_done + jnp.arange(nuts.chunk, dtype=chain.n_done.dtype))
    memory = empty_memory(size, nuts.max_tree_depth, dtype)
    chain, _, draws = jax.lax.fori_loop(0, n, step, (chain, memory, no_draws((nuts.chunk,), size, dtype)))
    return chain, draws


def _next(
    nuts: Nuts, chain: Chain, memory: Memory, noise: Noise, data: DensityData
) -> tuple[Chain, Memory, Draws]:
    start, (step_size, metric) = chain.place, chain.tuning

    def evaluate(offset: Array) -> tuple[Place, Array]:
        place = _place(nuts.static, start.position + scaled(metric, offset), data)
        return place, pulled_back(metric, place.gradient)

    size, gradient = len(start.position), pulled_back(metric, start.gradient)
    made, memory = transition(evaluate, start, gradient, step_size, noise, memory, move_in(size))
    place, rate = made.place, made.acceptance_rate
    tuned = nuts.adaptation.update(chain.n_done, place.position, rate, chain.tuning, chain.adaptation)
    draws = Draws(
        position=place.position,
        lp=place.log_density,
        energy=made.energy,
        n_steps=gradients_per_step(size) * made.n_steps,
        acceptance_rate=rate,
        diverging=made.diverging,
        step_size=step_size,
    )
    return Chain(chain.key, chain.n_done + 1, place, *tuned), memory, draws


@jax.jit(static_argnums=0)
def _place(static: Static, position: Array, data: DensityData) -> Place:
    """The density at a position, minus infinity where it is undefined; traced once for both programs."""
    value, gradient = jax.value_and_grad(log_density, argnums=1)(static, position, data)
    return Place(position, jnp.where(jnp.isnan(value), -jnp.inf, value), gradient)
