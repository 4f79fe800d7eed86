"""MEADS: generalised Hamiltonian Monte Carlo of many chains, every step of which keeps much of its momentum.

A draw is as many steps as a unit of time takes. Chains of a group tune themselves in warm-up by each other:
the step size by the largest eigenvalue of their gradients' second moments, the damping by that of their
positions' covariance, in the coordinates of a metric that all groups learn at meetings. Tuning ends with
warm-up, so that the paper's folds, which keep tuning for ever valid, are not needed.

References:
    Hoffman & Sountsov (2022), AISTATS 151, 7799-7813
    Neal (2020), arXiv 2001.11950: acceptance that rejects seldom but in clusters
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hmlm.density.state import DensityData, Static
from hmlm.infer.draws import Draws, draws_per_call
from hmlm.infer.ensemble import Ensemble, advanced, astray, draw_keys, gathered, met, moved, taught
from hmlm.infer.evaluate import place_at
from hmlm.infer.integrator import Place, gradients_per_step
from hmlm.infer.metric import Metric, first_metric, pulled_back, unscaled
from hmlm.infer.schedule import Schedule
from hmlm.infer.seen import rows_of_a_chain
from hmlm.infer.settings import Settings
from hmlm.infer.trajectory import run, taken

OF_STABILITY = 0.5  # of the inverse square root of the largest eigenvalue: the step size
LARGEST_STEP = 1.5
TIME_OF_A_DRAW = 1.0
MOST_STEPS = 100
MEMORY = 0.9  # of what was tuned before, at each draw of warm-up


class Walk(NamedTuple):
    """Chains between two steps: places (C, ...), (C, D) momenta, and (C,) levels in (-1, 1)."""

    place: Place
    momentum: Array
    level: Array


class Shared(NamedTuple):
    """What chains of a group share."""

    n_done: Array
    metric: Metric
    step_size: Array
    damping: Array


class Sums(NamedTuple):
    """Over the steps of a draw: (C,) acceptance probabilities, whether one diverged, the last energy."""

    acceptance: Array
    diverging: Array
    energy: Array


@dataclass(frozen=True)
class Meads:
    """The program of a run; equal values share compiled code. A call makes at most ``chunk`` draws."""

    static: Static
    schedule: Schedule
    metric: str
    rows: int
    chunk: int

    @property
    def meetings(self) -> tuple[int, ...]:
        """Where windows of warm-up end."""
        return self.schedule.ends

    def start(self, keys: Array, positions: Array, data: DensityData) -> Ensemble:
        """Chains at (C, D) ``positions``."""
        places = jax.vmap(lambda x: place_at(self.static, x, data))(positions)
        n_population, size = self.static.layout.n_population, positions.shape[1]
        metric = first_metric(self.metric, n_population, size, positions.dtype)
        shared = Shared(jnp.int32(0), metric, *tuned(metric, places))
        walk = Walk(places, jnp.zeros_like(positions), jnp.zeros_like(places.log_density))
        return gathered(keys, positions, walk, shared, self.rows)

    def advance(self, group: Ensemble, data: DensityData, n: Array) -> tuple[Ensemble, Draws]:
        """The group after ``n`` draws, and (C, chunk) draws whose first ``n`` these are."""
        return advanced(partial(self._next, data), group, self.chunk, n)

    def meet(self, groups: list[Ensemble]) -> list[Ensemble]:
        """The groups with one metric, and the step size and the damping that they found on average."""
        n_done, metric, found = met(groups, self.schedule)
        step_size, damping = (np.exp(np.log(each).mean()) for each in (found.step_size, found.damping))
        return taught(groups, Shared(n_done, metric, step_size, damping))

    def log_densities(self, group: Ensemble) -> tuple[Array, Array]:
        """(C,) log densities and (C, D) gradients where the chains are."""
        return group.chains.place.log_density, group.chains.place.gradient

    def _next(self, data: DensityData, group: Ensemble) -> tuple[Ensemble, Draws]:
        """Every chain one draw further."""
        shared = group.shared
        keys, _ = draw_keys(group)
        n = jnp.clip(jnp.ceil(TIME_OF_A_DRAW / shared.step_size), 1, MOST_STEPS).astype(jnp.int32)
        zero = jnp.zeros_like(group.chains.level)
        nothing = Sums(zero, zero > 0, zero)
        walk, sums = lax.fori_loop(
            0, n, lambda i, now: self._step(data, shared, keys, i, *now), (group.chains, nothing)
        )
        size = group.seen.positions.shape[-1]
        draws = Draws(
            position=walk.place.position,
            lp=walk.place.log_density,
            energy=sums.energy,
            n_steps=jnp.full(len(zero), n * gradients_per_step(size)),
            acceptance_rate=sums.acceptance / n,
            diverging=sums.diverging,
            step_size=jnp.full(len(zero), shared.step_size),
        )
        learn = partial(retuned, shared, walk.place)
        return moved(group, self.schedule, walk, walk.place, learn), draws

    def _step(
        self, data: DensityData, shared: Shared, keys: Array, i: Array, walk: Walk, sums: Sums
    ) -> tuple[Walk, Sums]:
        """A partial refreshment of the momenta and one step, taken or turned back."""
        walk = refreshed(walk, shared, jax.vmap(jax.random.fold_in, (0, None))(keys, i))
        made = run(self.static, shared.metric, walk.place, walk.momentum, shared.step_size, 1, data)
        error = jnp.nan_to_num(made.energy_error, nan=jnp.inf)
        accepted = jnp.log(jnp.abs(walk.level)) < -error
        level = jnp.where(accepted, walk.level * jnp.exp(jnp.where(accepted, error, 0.0)), walk.level)
        momentum = jnp.where(accepted[:, None], made.point.momentum, -walk.momentum)
        sums = Sums(
            sums.acceptance + made.acceptance_rate,
            sums.diverging | made.diverging,
            jnp.where(accepted, made.energy, made.energy_before),
        )
        return Walk(taken(accepted, made.place, walk.place), momentum, level), sums


def make_meads(static: Static, settings: Settings, together: int) -> Meads:
    """The program for a density under the settings of a run, ``together`` chains in one group."""
    schedule = Schedule(settings.warmup)
    rows = rows_of_a_chain(settings.chains, schedule.longest)
    chunk = settings.chunk or draws_per_call(static.layout.size, together)
    return Meads(static, schedule, settings.metric, rows, chunk)


def refreshed(walk: Walk, shared: Shared, keys: Array) -> Walk:
    """Momenta with some of them new, and levels a little further."""
    new = 1 - jnp.exp(-2 * shared.step_size * shared.damping)
    dtype, size = walk.momentum.dtype, walk.momentum.shape[1]
    drawn = jax.vmap(lambda key: jax.random.normal(key, (size + 1,), dtype))(keys)
    momentum = jnp.sqrt(1 - new) * walk.momentum + jnp.sqrt(new) * drawn[:, :-1]
    level = (walk.level + 1 + 0.5 * new * (1 + drawn[:, -1])) % 2 - 1
    return walk._replace(momentum=momentum, level=level)


def tuned(metric: Metric, places: Place) -> tuple[Array, Array]:
    """Step size and damping by (C,) places."""
    gradients = jax.vmap(pulled_back, (None, 0))(metric, places.gradient)
    positions = jax.vmap(unscaled, (None, 0))(metric, places.position)
    counts = ~astray(places)
    centre = jnp.sum(jnp.where(counts[:, None], positions, 0.0), axis=0) / jnp.maximum(counts.sum(), 1)
    step_size = OF_STABILITY / jnp.sqrt(largest_eigenvalue(gradients, counts))
    damping = 1 / jnp.sqrt(largest_eigenvalue(positions - centre, counts))
    return jnp.minimum(step_size, LARGEST_STEP), damping


def retuned(shared: Shared, places: Place) -> Shared:
    """What is shared, a little nearer to what the chains say where they are now."""
    step_size, damping = tuned(shared.metric, places)
    blend = lambda old, new: jnp.where(jnp.isfinite(new), old**MEMORY * new ** (1 - MEMORY), old)  # noqa: E731
    slowest = 1 / ((shared.n_done + 1) * shared.step_size)
    return shared._replace(
        step_size=blend(shared.step_size, step_size),
        damping=blend(shared.damping, jnp.maximum(damping, slowest)),
    )


def largest_eigenvalue(rows: Array, counts: Array) -> Array:
    """Of the second moments of (C, D) rows, approximately: the sum of squared eigenvalues over their sum.

    Only rows that count are looked at. Without a row's product with itself, whose square is large where
    there are more dimensions than chains, the sum of squares is unbiased.
    """
    rows, n = jnp.where(counts[:, None], rows, 0.0), counts.sum()
    products = jnp.dot(rows, rows.T, precision=lax.Precision.HIGHEST)
    own = jnp.diagonal(products)
    squares = (jnp.sum(products**2) - jnp.sum(own**2)) / (n * (n - 1))
    return jnp.maximum(squares, 1e-12) / (own.sum() / n)
