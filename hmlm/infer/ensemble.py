"""Chains that advance in step and decide together: what ChEES and MEADS have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from hmlm.infer.draws import Draws, no_draws
from hmlm.infer.integrator import Place
from hmlm.infer.metric import Metric
from hmlm.infer.schedule import Schedule
from hmlm.infer.seen import Seen, metric_after, nothing_seen, see
from hmlm.infer.trees import as_before, as_one, for_each, of_one, stacked

Tree = Any


class Ensemble(NamedTuple):
    """Chains of one group.

    Attributes:
        key: (C, 2).
        chains: where they are, leaves (C, ...).
        seen: what they saw, leaves (C, W, D).
        shared: what they share, leaves (1, ...) between calls; has ``n_done`` and ``metric`` at least.
    """

    key: Array
    chains: Tree
    seen: Seen
    shared: Tree


Step = Callable[[Ensemble], tuple[Ensemble, Draws]]
"""An ensemble -> the same one draw later, and that draw of its chains."""


def gathered(keys: Array, positions: Array, chains: Tree, shared: Tree, rows: int) -> Ensemble:
    """The ensemble before its first draw."""
    (n, size), dtype = positions.shape, positions.dtype
    seen = jax.tree.map(lambda leaf: jnp.tile(leaf, (n, 1, 1)), nothing_seen(rows, size, dtype))
    return Ensemble(keys, chains, seen, as_one(shared))


def advanced(step: Step, ensemble: Ensemble, chunk: int, n: Array) -> tuple[Ensemble, Draws]:
    """The ensemble after ``n`` steps, and (C, chunk) draws whose first ``n`` these are."""
    positions = ensemble.seen.positions
    room = no_draws((chunk, len(positions)), positions.shape[-1], positions.dtype)
    ensemble = ensemble._replace(shared=of_one(ensemble.shared))

    def one(i: Array, carried: tuple[Ensemble, Draws]) -> tuple[Ensemble, Draws]:
        ensemble, draw = step(carried[0])
        return ensemble, jax.tree.map(lambda all, new: all.at[i].set(new), carried[1], draw)

    ensemble, draws = lax.fori_loop(0, n, one, (ensemble, room))
    ensemble = ensemble._replace(shared=as_one(ensemble.shared))
    return ensemble, jax.tree.map(lambda leaf: leaf.swapaxes(0, 1), draws)


def draw_keys(ensemble: Ensemble) -> Array:
    """(2, C, 2): two keys of each chain for the next draw."""
    n_done = ensemble.shared.n_done
    keys = jax.vmap(lambda key: jax.random.split(jax.random.fold_in(key, n_done)))(ensemble.key)
    return keys.swapaxes(0, 1)


def moved(
    ensemble: Ensemble, schedule: Schedule, chains: Tree, place: Place, learn: Callable[[], Tree]
) -> Ensemble:
    """The ensemble a draw further; in warm-up it sees its places and shares what it could ``learn``."""
    shared = ensemble.shared

    def warming() -> tuple[Seen, Tree]:
        return jax.vmap(see, (0, None, 0))(ensemble.seen, shared.n_done, place), learn()

    seen, learnt = lax.cond(shared.n_done < schedule.draws, warming, lambda: (ensemble.seen, shared))
    return Ensemble(ensemble.key, chains, seen, learnt._replace(n_done=shared.n_done + 1))


def astray(place: Place) -> Array:
    """(C,) which chains are where the density or its gradient is undefined: nobody should learn from them."""
    return ~(jnp.isfinite(place.log_density) & jnp.isfinite(place.gradient).all(axis=1))


def met(ensembles: Sequence[Ensemble], schedule: Schedule) -> tuple[int, Metric, Tree]:
    """At a meeting: draws done, the metric of the window that ends, what groups share, leaves (G, ...)."""
    shared = stacked([ensemble.shared for ensemble in ensembles])
    n_done, seen = int(shared.n_done[0]), stacked([ensemble.seen for ensemble in ensembles])
    return n_done, metric_after(schedule, seen, n_done, of_one(shared.metric)), shared


def taught(ensembles: Sequence[Ensemble], shared: Tree) -> list[Ensemble]:
    """The ensembles, all sharing the same."""

    def one(ensemble: Ensemble) -> Ensemble:
        each = for_each(shared, len(ensemble.shared.n_done))
        return as_before(ensemble, ensemble._replace(shared=each))

    return [one(ensemble) for ensemble in ensembles]
