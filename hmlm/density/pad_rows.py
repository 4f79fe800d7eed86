"""Rows and levels added to a model's arrays: zeros, which carry no weight (:mod:`hmlm.density.pad`)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jax import Array

from hmlm.density.data import LevelColumns, ModelData, Population
from hmlm.density.statistics import Statistics
from hmlm.kernels.arrays import on_device
from hmlm.kernels.segments import Segments, make_segments
from hmlm.kernels.tiles import Tiles
from hmlm.spec.spec import Spec


@dataclass(frozen=True)
class RowSizes:
    """Sizes of arrays over rows, or over cells of them.

    Attributes:
        tiles: T; None where every level of the main factor is one tile.
        length: L.
        widths: per factor, rows of its largest level, for the main factor tiles.
    """

    tiles: int | None
    length: int
    widths: tuple[int, ...]


def row_sizes(model: ModelData, tiles: Tiles | None = None) -> RowSizes:
    """The sizes that ``model`` has; ``tiles`` where they are not those of its main factor."""
    n_tiles, length = model.columns.shape[1:]
    tiles = model.groups[model.main] if tiles is None and model.main is not None else tiles
    alone = tiles is not None and tiles.owner is None
    widths = tuple(_width(_levels(group, model)) for group in model.groups)
    return RowSizes(None if alone else n_tiles, length, widths)


def pad_model(model: ModelData, spec: Spec, levels: tuple[int, ...], sizes: RowSizes) -> ModelData:
    """The arrays with rows and levels added, in as many tiles as ``sizes`` say; ``order`` is lost."""
    n_groups = _n_groups(model, levels)
    shape = (sizes.tiles or n_groups, sizes.length)
    of_rows = lambda rows, fill=0.0: on_device(_tiles(rows, shape, fill))  # noqa: E731
    like_first = lambda rows: of_rows(rows, np.asarray(rows).ravel()[np.asarray(model.order)[0]])  # noqa: E731
    return replace(
        model,
        outcomes=of_rows(model.outcomes) if spec.normal else _stacked(map(like_first, model.outcomes)),
        columns=of_rows(model.columns),
        population=tuple(_population(part, n_groups) for part in model.population),
        groups=tuple(
            _pad_tiles(group, model, n_groups, shape[0], sizes.widths[f])
            if isinstance(group, Tiles)
            else make_segments(_tiles(_levels(group, model), shape, -1), levels[f], sizes.widths[f])
            for f, group in enumerate(model.groups)
        ),
        offsets={p: of_rows(rows) for p, rows in model.offsets.items()},
        additions=tuple({n: like_first(rows) for n, rows in own.items()} for own in model.additions),
        sds=tuple(
            LevelColumns(on_device(on_axis(part.columns, levels[own.factor])), part.means)
            for part, own in zip(model.sds, spec.sds, strict=True)
        ),
        log_jacobian=None if model.log_jacobian is None else of_rows(model.log_jacobian),
        order=on_device(np.zeros(0, np.int32)),
    )


def pad_cells(stats: Statistics, spec: Spec, levels: tuple[int, ...], sizes: RowSizes) -> Statistics:
    """The statistics with cells added that have no rows."""
    shape = stats.cells.columns.shape[1:]
    cells = pad_model(stats.cells, spec, levels, sizes)

    (n_tiles, length), main = cells.columns.shape[1:], stats.cells.main

    def flat(values: Array) -> Array:
        tiles = np.asarray(values).reshape(*values.shape[:-1], *shape)
        padded = _tiles(tiles, (n_tiles, length), 0.0)
        return on_device(padded.reshape(*values.shape[:-1], n_tiles * length))

    width = n_tiles if main is None else sizes.widths[main]
    return replace(
        stats,
        cells=cells,
        count=flat(stats.count),
        basis=flat(stats.basis),
        mixed=flat(stats.mixed),
        varying=flat(stats.varying),
        groups=_pad_tiles(stats.groups, stats.cells, _n_groups(stats.cells, levels), n_tiles, width),
    )


def on_axis(values: Array | np.ndarray, size: int, fill: float = 0.0) -> np.ndarray:
    """(..., n) values filled up to ``size``."""
    values = np.asarray(values)
    widths = [(0, 0)] * (values.ndim - 1) + [(0, size - values.shape[-1])]
    return np.pad(values, widths, constant_values=fill)


def _tiles(rows: Array | np.ndarray, shape: tuple[int, int], fill: float) -> np.ndarray:
    """(..., T, L) values of rows in tiles of another shape."""
    rows = np.asarray(rows)
    more = [(0, size - own) for size, own in zip(shape, rows.shape[-2:], strict=True)]
    return np.pad(rows, [(0, 0)] * (rows.ndim - 2) + more, constant_values=fill)


def _levels(group: Tiles | Segments, model: ModelData) -> np.ndarray:
    """Level of every row, or of every tile of the main factor; -1 where there is none."""
    if isinstance(group, Tiles):
        return np.arange(model.columns.shape[1]) if group.owner is None else np.asarray(group.owner.index)
    return np.where(np.asarray(model.columns[0]) != 0, np.asarray(group.index), -1)


def _width(levels: np.ndarray) -> int:
    found = levels[levels >= 0]
    return int(np.bincount(found).max(initial=1))


def _n_groups(model: ModelData, levels: tuple[int, ...]) -> int:
    return 1 if model.main is None else levels[model.main]


def _pad_tiles(tiles: Tiles, model: ModelData, n_groups: int, n_tiles: int, width: int) -> Tiles:
    """Tiles of more groups, or more of them, at most ``width`` of a group."""
    if tiles.owner is None and n_tiles == n_groups:
        return tiles
    return Tiles(make_segments(on_axis(_levels(tiles, model), n_tiles, -1), n_groups, width))


def _population(part: Population, n_groups: int) -> Population:
    padded = (None if m is None else on_device(on_axis(m, n_groups)) for m in part.multiplier)
    return replace(part, multiplier=tuple(padded))


def _stacked(rows) -> Array:
    return on_device(np.stack([np.asarray(one) for one in rows]))
