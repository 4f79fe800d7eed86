"""Chains that advance in step and decide together: what ChEES and MEADS have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hmlm.infer.draws import Draws, no_draws
from hmlm.infer.integrator import Place
from hmlm.infer.metric import Metric
from hmlm.infer.schedule import Schedule
from hmlm.infer.seen import Seen, metric_from, nothing_seen
from hmlm.infer.trees import as_before, stacked

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
    return Ensemble(keys, chains, seen, jax.tree.map(lambda leaf: leaf[None], shared))


def advanced(step: Step, ensemble: Ensemble, chunk: int, n: Array) -> tuple[Ensemble, Draws]:
    """The ensemble after ``n`` steps, and (C, chunk) draws whose first ``n`` these are."""
    positions = ensemble.seen.positions
    room = no_draws((chunk, len(positions)), positions.shape[-1], positions.dtype)
    ensemble = ensemble._replace(shared=jax.tree.map(lambda leaf: leaf[0], ensemble.shared))

    def one(i: Array, carried: tuple[Ensemble, Draws]) -> tuple[Ensemble, Draws]:
        ensemble, draw = step(carried[0])
        return ensemble, jax.tree.map(lambda all, new: all.at[i].set(new), carried[1], draw)

    ensemble, draws = lax.fori_loop(0, n, one, (ensemble, room))
    ensemble = ensemble._replace(shared=jax.tree.map(lambda leaf: leaf[None], ensemble.shared))
    return ensemble, jax.tree.map(lambda leaf: leaf.swapaxes(0, 1), draws)


def noise(ensemble: Ensemble) -> tuple[Array, Array]:
    """For the next draw: (C, 2) keys, and (C, D) standard normal numbers."""
    positions, n_done = ensemble.seen.positions, ensemble.shared.n_done
    keys = jax.vmap(lambda key: jax.random.split(jax.random.fold_in(key, n_done)))(ensemble.key)
    size, dtype = positions.shape[-1], positions.dtype
    return keys[:, 0], jax.vmap(lambda key: jax.random.normal(key, (size,), dtype))(keys[:, 1])


def astray(place: Place) -> Array:
    """(C,) which chains are where the density or its gradient is undefined: nobody should learn from them."""
    return ~(jnp.isfinite(place.log_density) & jnp.isfinite(place.gradient).all(axis=1))


def met(ensembles: Sequence[Ensemble], schedule: Schedule) -> tuple[int, Metric, Tree]:
    """At a meeting: draws done, the metric of the window that ends, what groups share, leaves (G, ...)."""
    shared = stacked([ensemble.shared for ensemble in ensembles])
    n_done, metric = int(shared.n_done[0]), jax.tree.map(lambda leaf: leaf[0], shared.metric)
    if n_done < schedule.draws:
        seen = stacked([ensemble.seen for ensemble in ensembles])
        metric = metric_from(seen, schedule.window(n_done), n_done, metric)
    return n_done, metric, shared


def taught(ensembles: Sequence[Ensemble], shared: Tree) -> list[Ensemble]:
    """The ensembles, all sharing the same."""

    def one(ensemble: Ensemble) -> Ensemble:
        n = len(ensemble.shared.n_done)
        each = jax.tree.map(lambda leaf: np.tile(np.asarray(leaf), (n, *(1,) * np.ndim(leaf))), shared)
        return as_before(ensemble, ensemble._replace(shared=each))

    return [one(ensemble) for ensemble in ensembles]
