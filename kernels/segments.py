"""Rows and groups: spread group values over rows and sum rows by group, both without scatter.

A scatter-add over few groups is the slowest way to sum on a GPU and is scalar code on a CPU, so both
directions are gathers: ``expand`` reads the group of each row, ``reduce`` reads the padded rows of each
group. Each is the transpose of the other, and each is the other's derivative.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.kernels.arrays import on_device


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Segments:
    """Which rows belong to which of J groups.

    Attributes:
        index: int32, the group of each row, in any shape that arrays over rows have (0 for padding).
        buckets: groups of similar size together, each (J_b, n_b) int32 flat row numbers padded with their
            number.
        position: (J,) int32, where each group stands in the concatenated buckets.
    """

    index: Array
    buckets: tuple[Array, ...]
    position: Array

    def expand(self, values: Array) -> Array:
        """Value of each row's group: ``out[..., n] = values[..., index[n]]``; (..., J) to (..., *rows)."""
        return _expand(self, values)

    def reduce(self, rows: Array) -> Array:
        """Sum over the rows of each group: (..., *rows) to (..., J); padding is not summed."""
        lead = rows.shape[: rows.ndim - self.index.ndim]
        return _reduce(self, rows.reshape(*lead, -1))


def make_segments(index: np.ndarray, n_groups: int, width: int | None = None) -> Segments:
    """Segments of group numbers in ``[0, n_groups)``, -1 for rows of padding that belong to none.

    Group sizes in a bucket differ at most twofold.

    One bucket holds all groups where padding them to the largest costs at most the half of N again, or where
    its ``width`` is given: as many rows as the largest group has, or more.
    """
    flat = index.ravel()
    rows = np.argsort(flat, kind="stable")[np.count_nonzero(flat < 0) :]
    sizes = np.bincount(flat[rows], minlength=n_groups)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    members = _bucket_members(sizes, len(rows)) if width is None else [np.arange(n_groups)]
    padded = lambda groups: _padded(rows, starts[groups], sizes[groups], len(flat), width)  # noqa: E731
    buckets = tuple(padded(groups) for groups in members)
    position = np.argsort(np.concatenate(members), kind="stable")
    return Segments(
        on_device(np.maximum(index, 0), np.int32),
        tuple(on_device(bucket, np.int32) for bucket in buckets),
        on_device(position, np.int32),
    )


def _bucket_members(sizes: np.ndarray, n_rows: int) -> list[np.ndarray]:
    if len(sizes) * sizes.max(initial=1) <= 1.5 * n_rows + 64:
        return [np.arange(len(sizes))]
    level = np.ceil(np.log2(np.maximum(sizes, 1))).astype(int)
    return [np.flatnonzero(level == value) for value in np.unique(level)]


def _padded(
    rows: np.ndarray, starts: np.ndarray, sizes: np.ndarray, fill: int, width: int | None
) -> np.ndarray:
    offset = np.arange(width or max(int(sizes.max(initial=1)), 1))
    inside = offset < sizes[:, None]
    where = np.where(inside, starts[:, None] + offset, 0)
    return np.where(inside, rows[where], fill)


def _at(values: Array, index: Array) -> Array:
    """``values[..., index]``; no index is checked, since :func:`make_segments` made them."""
    return values.at[..., index].get(mode="promise_in_bounds")


@jax.custom_vjp
def _expand(segments: Segments, values: Array) -> Array:
    return _at(values, segments.index)


@jax.custom_vjp
def _reduce(segments: Segments, rows: Array) -> Array:
    padded = jnp.concatenate([rows, jnp.zeros((*rows.shape[:-1], 1), rows.dtype)], axis=-1)
    sums = [_at(padded, bucket).sum(-1) for bucket in segments.buckets]
    return _at(jnp.concatenate(sums, axis=-1), segments.position)


def _flat(segments: Segments, values: Array) -> Array:
    return _at(values, segments.index.ravel())


_expand.defvjp(
    lambda segments, values: (_expand(segments, values), segments),
    lambda segments, rows: (None, segments.reduce(rows)),
)
_reduce.defvjp(
    lambda segments, rows: (_reduce(segments, rows), segments),
    lambda segments, values: (None, _flat(segments, values)),
)
