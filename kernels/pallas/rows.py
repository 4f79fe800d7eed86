"""Gaussian rows, location effects integrated out, as a Mosaic GPU kernel: one program per chain and group.

The lanes of a program's warpgroup are rows. It goes over its group's tiles twice: for the moments X of
:mod:`hmlm.kernels.pallas.group`, and with its slope H for the gradient of every row,

    v_bar = H v    d/dmu_m = -v_bar_{Q+m} / sigma_m    d/ds_m = -sum over v_i of outcome m of v_i v_bar_i - 1

Nothing of the size of the rows is written but the gradient of an offset. Sums over groups are left to XLA.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from operator import add
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from hmlm.kernels.arrays import on_device
from hmlm.kernels.pallas.group import dot, evaluate_group, full
from hmlm.kernels.pallas.mosaic import LANES, entries, launch, padded, store, zeros_like_loaded
from hmlm.kernels.rows import RowPoint, RowTerms, Term
from hmlm.kernels.small import Entries
from hmlm.kernels.tiles import Tiling, make_tiling


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RowTiles:
    """Rows of J groups in T tiles of one group each, zero where padded.

    Attributes:
        columns: (K, T, LANES).
        outcomes: (M, T, LANES).
        first: (J + 1,) int32, the first tile of every group, and T.
        present: (T, LANES) 1 for rows, 0 for padding.
    """

    columns: Array
    outcomes: Array
    first: Array
    present: Array


class _Tile(NamedTuple):
    """Of one tile's rows: columns d (K), v (E), 1 / sigma (M) and the sum of log sigmas."""

    columns: list[Array]
    v: list[Array]
    inverse_sigma: list[Array]
    log_sigma: Array


def tile_rows(
    index: np.ndarray, n_groups: int, columns: np.ndarray, outcomes: np.ndarray
) -> tuple[Tiling, RowTiles]:
    """The kernel's layout of columns (K, N) and outcomes (M, N), rows of the groups ``index`` (N,) names.

    An offset has the layout that the tiling's ``place`` gives.
    """
    tiling = make_tiling(index, n_groups, LANES)
    owner = tiling.tiles.owner
    groups = np.arange(n_groups) if owner is None else np.asarray(owner.index)
    first = np.searchsorted(groups, np.arange(n_groups + 1))
    data = RowTiles(
        on_device(tiling.place(columns)),
        on_device(tiling.place(outcomes)),
        on_device(first, np.int32),
        on_device(tiling.place(np.ones(len(index)))),
    )
    return tiling, data


def evaluate_rows(
    terms: RowTerms, data: RowTiles, point: RowPoint, *, interpret: bool = False
) -> tuple[Array, RowPoint]:
    """Value and gradient, see :mod:`hmlm.kernels.rows`; an offset is (2, M, T, LANES), zero where padded."""
    each = point._replace(precision=None, factor=None)
    flat, restore = ravel_pytree((point.precision, point.factor))
    n_groups = len(data.first) - 1
    sums = jax.ShapeDtypeStruct((n_groups, 1 + len(flat)), flat.dtype)
    out = (sums, jax.tree.map(lambda part: jax.ShapeDtypeStruct(part.shape, part.dtype), each))
    sums, each = launch(partial(_program, terms), (data, point), out, "group", n_groups, interpret)
    sums = sums.sum(0)
    precision, factor = restore(sums[1:])
    return sums[0], each._replace(precision=precision, factor=factor)


def _program(terms: RowTerms, inputs: tuple[Any, Any], out: tuple[Any, Any]) -> None:
    """One group, from and to references."""
    data, point = inputs
    sums, each = out
    j = lax.axis_index("group")
    outcomes = tuple(m for m, _ in terms.effects)
    precision = entries(point.precision)
    read = partial(_read, terms, data, point.offset, _column(point.mean, j), _column(point.scale, j))
    tiles = (data.first[j], data.first[j + 1])
    log_sigma, moments = _moments(read, data, tiles, len(outcomes) + len(precision))
    factor = [row[: a + 1] for a, row in enumerate(entries(point.factor))]
    value, gradient = evaluate_group(outcomes, full(moments), precision, factor)
    store(sums.at[j], [value - log_sigma, *chain(*gradient.precision, *padded(gradient.factor))])
    d_mean, d_scale = _gradient(terms, read, tiles, gradient.slope, data, each.offset)
    for reference, gradients in ((each.mean, d_mean), (each.scale, d_scale)):
        for a, d in enumerate(gradients):
            reference[a, j] = d


def _read(
    terms: RowTerms, data: RowTiles, offset: Any, mean: list[Array], scale: list[Array], t: Array
) -> _Tile:
    """Tile t."""
    columns = [data.columns[k, t] for k in range(data.columns.shape[0])]
    outcomes = range(data.outcomes.shape[0])
    mu = [_predictor(terms.mean, mean, columns, m) for m in outcomes]
    log_sigma = [_predictor(terms.scale, scale, columns, m) for m in outcomes]
    if offset is not None:
        mu = [mu[m] + offset[0, m, t] for m in outcomes]
        log_sigma = [log_sigma[m] + offset[1, m, t] for m in outcomes]
    inverse_sigma = [jnp.exp(-s) for s in log_sigma]
    residual = [(data.outcomes[m, t] - mu[m]) * inverse_sigma[m] for m in outcomes]
    v = [columns[k] * inverse_sigma[m] for m, k in terms.effects] + residual
    return _Tile(columns, v, inverse_sigma, reduce(add, log_sigma))


def _predictor(terms: tuple[Term, ...], coefficients: list[Array], columns: list[Array], m: int) -> Array:
    parts = [b * columns[k] for b, (outcome, k) in zip(coefficients, terms, strict=True) if outcome == m]
    return reduce(add, parts, jnp.zeros_like(columns[0]))


def _moments(
    read: Any, data: RowTiles, tiles: tuple[Array, Array], size: int
) -> tuple[Array, list[list[Array]]]:
    """The sum of log sigmas and rows of the lower triangle of X."""

    def step(t: Array, total: tuple) -> tuple:
        tile = read(t)
        moments = [[x + tile.v[a] * tile.v[b] for b, x in enumerate(row)] for a, row in enumerate(total[1])]
        return total[0] + tile.log_sigma, moments

    zero = zeros_like_loaded(data.present[tiles[0]])
    total = lax.fori_loop(*tiles, step, (zero, [[zero] * (a + 1) for a in range(size)]))
    return jax.tree.map(jnp.sum, total)


def _gradient(
    terms: RowTerms, read: Any, tiles: tuple[Array, Array], slope: Entries, data: RowTiles, offset: Any
) -> list[list[Array]]:
    """For the coefficients of the means and of the log sigmas; that for the rows' offset is stored."""

    def step(t: Array, totals: list) -> list:
        tile = read(t)
        rows = _row_gradient(terms, tile, slope)
        if offset is not None:
            _store_offset(offset, t, rows, data.present[t])
        return [
            [total + d[m] * tile.columns[k] for total, (m, k) in zip(part, names, strict=True)]
            for part, d, names in zip(totals, rows, terms[:2], strict=True)
        ]

    zero = zeros_like_loaded(data.present[tiles[0]])
    start = [[zero] * len(names) for names in terms[:2]]
    return jax.tree.map(jnp.sum, lax.fori_loop(*tiles, step, start))


def _row_gradient(terms: RowTerms, tile: _Tile, slope: Entries) -> tuple[list[Array], list[Array]]:
    """For mu and s of every outcome, rows of padding not left out."""
    n_outcomes, n_effects = len(tile.inverse_sigma), len(terms.effects)
    owners = [m for m, _ in terms.effects] + list(range(n_outcomes))
    v_bar = [dot(row, tile.v) for row in slope]
    d_mean = [-(v_bar[n_effects + m] * tile.inverse_sigma[m]) for m in range(n_outcomes)]
    products = [a * b for a, b in zip(tile.v, v_bar, strict=True)]
    of = [[p for p, owner in zip(products, owners, strict=True) if owner == m] for m in range(n_outcomes)]
    return d_mean, [-reduce(add, parts) - 1.0 for parts in of]


def _store_offset(offset: Any, t: Array, rows: tuple[list[Array], list[Array]], present: Array) -> None:
    for kind, gradient in enumerate(rows):
        for m, d in enumerate(gradient):
            offset[kind, m, t] = d * present


def _column(reference: Any, j: Array) -> list[Array]:
    return [reference[a, j] for a in range(reference.shape[0])]
