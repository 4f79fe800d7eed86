"""Rows in bundles of eight lanes, as the native kernels read them.

A bundle holds eight groups, one per lane, padded to the largest with rows of zeros, or one large group spread
over all lanes. Groups are sorted by size, and bundles chosen so that the fewest rows are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from hmlm.kernels.arrays import on_device

LANES = 8
BUNDLE_COST = 6  # of one bundle's algebra, in rows


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class BundledRows:
    """N rows in bundles, R rows of eight lanes in all.

    Attributes:
        columns: (R, K, 8).
        outcomes: (R, M, 8).
        start: (bundles + 1,) int32, first row of every bundle.
        group: (bundles, 8) int32, each lane's group, -1 where it has none.
    """

    columns: Array
    outcomes: Array
    start: Array
    group: Array


class Bundling(NamedTuple):
    """Bundles on the host: (R, 8) row numbers, -1 where padded, and as in :class:`BundledRows`."""

    rows: np.ndarray
    start: np.ndarray
    group: np.ndarray

    def place(self, values: np.ndarray) -> np.ndarray:
        """(A, N) values of rows to (R, A, 8), zero where padded."""
        placed = np.where(self.rows >= 0, values[:, np.maximum(self.rows, 0)], 0.0)
        return np.ascontiguousarray(placed.swapaxes(0, 1))


def make_bundling(index: np.ndarray, n_groups: int) -> Bundling:
    """Bundles of (N,) group numbers in ``[0, n_groups)``; groups without rows are in some lane too."""
    sizes = np.bincount(index, minlength=n_groups)
    order = np.split(np.argsort(index, kind="stable"), np.cumsum(sizes)[:-1])
    by_size = np.argsort(-sizes, kind="stable")
    n_alone = _how_many_alone(sizes[by_size])
    together = [by_size[i : i + LANES] for i in range(n_alone, n_groups, LANES)]
    blocks = [
        *(_spread(order[j]) for j in by_size[:n_alone]),
        *(_side_by_side([order[j] for j in members]) for members in together),
    ]
    lanes = [
        *(np.full(LANES, j) for j in by_size[:n_alone]),
        *(np.append(members, np.full(LANES - len(members), -1)) for members in together),
    ]
    start = np.cumsum([0, *(len(block) for block in blocks)])
    return Bundling(np.concatenate(blocks), start.astype(np.int32), np.array(lanes, np.int32))


def bundle_rows(index: np.ndarray, n_groups: int, columns: np.ndarray, outcomes: np.ndarray) -> BundledRows:
    """Rows of the groups ``index`` (N,) names, columns (K, N) and outcomes (M, N), in bundles."""
    bundling = make_bundling(index, n_groups)
    return BundledRows(
        columns=on_device(bundling.place(columns)),
        outcomes=on_device(bundling.place(outcomes)),
        start=on_device(bundling.start),
        group=on_device(bundling.group),
    )


def n_bundles(data: BundledRows, n_groups: int, levels: int) -> int:
    """How many bundles hold ``levels`` groups, of which ``data`` have the first ``n_groups``."""
    free = int(np.count_nonzero(np.asarray(data.group) < 0))
    return len(data.group) + max(0, -(-(levels - n_groups - free) // LANES))


def pad_bundles(
    start: Array, group: Array, n_groups: int, levels: int, bundles: int
) -> tuple[np.ndarray, np.ndarray]:
    """``start`` and ``group`` of so many ``bundles``, groups without rows in lanes that are free."""
    lanes = np.append(np.asarray(group).ravel(), np.full((bundles - len(group)) * LANES, -1, np.int32))
    lanes[np.flatnonzero(lanes < 0)[: levels - n_groups]] = np.arange(n_groups, levels)
    more = np.full(bundles - len(group), np.asarray(start)[-1], np.int32)
    return np.append(np.asarray(start), more), lanes.reshape(bundles, LANES)


def _how_many_alone(sizes: np.ndarray) -> int:
    """How many of the largest groups, sizes falling, take a bundle each: what makes the rows read fewest."""
    alone = np.append(0, np.cumsum(-(-sizes // LANES) + BUNDLE_COST))
    padded = np.append(sizes, np.zeros(-len(sizes) % LANES + LANES, int)).reshape(-1, LANES)
    leading = padded + BUNDLE_COST * (np.arange(padded.size).reshape(padded.shape) < len(sizes))
    together = leading[::-1].cumsum(0)[::-1].ravel()[: len(sizes) + 1]
    return int(np.argmin(alone + together))


def _side_by_side(groups: list[np.ndarray]) -> np.ndarray:
    """(L, 8) row numbers, a group per lane."""
    out = np.full((max(len(rows) for rows in groups), LANES), -1)
    for lane, rows in enumerate(groups):
        out[: len(rows), lane] = rows
    return out


def _spread(rows: np.ndarray) -> np.ndarray:
    """(L, 8) row numbers of one group."""
    return np.append(rows, np.full(-len(rows) % LANES, -1)).reshape(-1, LANES)
