"""Rows of a group side by side: tiles of equal length, so that spreading and summing touch no index.

Rows are sorted by group once and cut into T tiles of L rows of one group each; the last tile of a group
is padded. Arrays over rows are (T, L): a group's value is spread by broadcasting, and summed along the
last axis. L is chosen so that padding and the tiles' own cost balance: equal groups make one tile each,
and very uneven ones become many short tiles of one program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from hmlm.kernels.segments import Segments, make_segments

TILE_COST = 6  # of adding up a tile, in rows
LONGEST = 4096


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Tiles:
    """Which of J groups each of T tiles belongs to.

    Attributes:
        owner: tiles by group; None where tile j holds all rows of group j.
    """

    owner: Segments | None

    def expand(self, values: Array) -> Array:
        """(..., J) to (..., T, 1), which broadcasts over the rows of a tile."""
        return (values if self.owner is None else self.owner.expand(values))[..., None]

    def reduce(self, rows: Array) -> Array:
        """Sums over the rows of each group: (..., T, L) to (..., J)."""
        sums = rows.sum(-1)
        return sums if self.owner is None else self.owner.reduce(sums)


class Tiling(NamedTuple):
    """Tiles on the host.

    Attributes:
        rows: (T, L) row numbers, -1 where padded.
        tiles: their groups.
    """

    rows: np.ndarray
    tiles: Tiles

    def place(self, values: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """(..., N) values of rows in tile order: (..., T, L), padding filled."""
        return np.where(self.rows >= 0, values[..., np.maximum(self.rows, 0)], fill)

    def order(self) -> np.ndarray:
        """(N,) where each row stands in the flat tiles."""
        flat = self.rows.ravel()
        return np.argsort(flat, kind="stable")[np.count_nonzero(flat < 0) :]


def make_tiling(index: np.ndarray, n_groups: int, length: int | None = None) -> Tiling:
    """Tiles of (N,) group numbers in ``[0, n_groups)``; of the length that costs least if none is given."""
    sizes = np.bincount(index, minlength=n_groups)
    length = length or _best_length(sizes)
    per_group = np.maximum(-(-sizes // length), 1)
    owner = np.repeat(np.arange(n_groups), per_group)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(per_group) - per_group, per_group)
    offset = nth[:, None] * length + np.arange(length)
    starts = np.cumsum(sizes) - sizes
    inside = offset < sizes[owner][:, None]
    order = np.append(np.argsort(index, kind="stable"), -1)
    rows = np.where(inside, order[np.where(inside, starts[owner][:, None] + offset, 0)], -1)
    alone = len(owner) == n_groups
    return Tiling(rows, Tiles(None if alone else make_segments(owner, n_groups)))


def _best_length(sizes: np.ndarray) -> int:
    """The length that costs least among the largest group's and powers of two."""
    largest = max(int(sizes.max(initial=1)), 1)
    lengths = np.unique([min(largest, LONGEST), *(2 ** np.arange(13))])
    lengths = lengths[lengths <= largest]
    n_tiles = np.array([np.maximum(-(-sizes // length), 1).sum() for length in lengths])
    gathered = np.where(n_tiles > len(sizes), TILE_COST, 1)
    return int(lengths[np.argmin(n_tiles * (lengths + gathered))])
