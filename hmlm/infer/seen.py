"""What chains saw in a window of warm-up, from which they learn a metric together."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hmlm.infer.fisher import learnt
from hmlm.infer.integrator import Place
from hmlm.infer.metric import Metric
from hmlm.infer.schedule import Schedule

MOST = 1000  # draws of all chains that a metric is learnt from


class Seen(NamedTuple):
    """(W, D) positions and gradients of the last draws, those to come still zero."""

    positions: Array
    gradients: Array


def rows_of_a_chain(chains: int, longest_window: int) -> int:
    """W, so that all chains together remember enough."""
    return min(-(-MOST // chains), longest_window)


def nothing_seen(rows: int, size: int, dtype: jnp.dtype) -> Seen:
    """Before the first draw in ``size`` dimensions."""
    return Seen(jnp.zeros((rows, size), dtype), jnp.zeros((rows, size), dtype))


def see(seen: Seen, n_done: Array, place: Place) -> Seen:
    """After draw number ``n_done``, counted from zero."""
    row = n_done % len(seen.positions)
    return Seen(
        lax.dynamic_update_index_in_dim(seen.positions, place.position, row, 0),
        lax.dynamic_update_index_in_dim(seen.gradients, place.gradient, row, 0),
    )


def metric_after(schedule: Schedule, seen: Seen, n_done: int, metric: Metric) -> Metric:
    """The metric after the window that ends at ``n_done`` draws; that of warm-up's last window stays."""
    if n_done == schedule.draws:
        return metric
    return metric_from(seen, schedule.window(n_done), n_done, metric)


def metric_from(seen: Seen, window: int, n_done: int, metric: Metric) -> Metric:
    """The metric of a window of so many draws, by all chains (C, W, D) that saw only finite things."""
    held = seen.positions.shape[1]
    rows = np.arange(n_done - min(window, held), n_done) % held
    x, g = np.asarray(seen.positions)[:, rows], np.asarray(seen.gradients)[:, rows]
    finite = np.isfinite(x).all(axis=(1, 2)) & np.isfinite(g).all(axis=(1, 2))
    if not finite.any():
        return metric
    size = x.shape[-1]
    return learnt(x[finite].reshape(-1, size), g[finite].reshape(-1, size), metric)
