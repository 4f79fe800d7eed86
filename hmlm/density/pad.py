"""A density over round sizes, so that tables of about the same size share compiled programs.

Rows that are added carry no weight, and levels that are added have no rows: the effects of these that are
sampled are standard normal coordinates of their own, those that are integrated out integrate to one. So
the log density is that of the model plus theirs, and the posterior of everything else is the model's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jax import Array

from hmlm.density.coordinates import Information
from hmlm.density.fused import FusedData, is_whole
from hmlm.density.layout import FEW_LEVELS
from hmlm.density.log_density import LogDensity
from hmlm.density.pad_rows import RowSizes, on_axis, pad_cells, pad_model, row_sizes
from hmlm.density.plan import Plan
from hmlm.density.precision import double_precision
from hmlm.density.state import DensityData
from hmlm.density.statistics import Statistics
from hmlm.kernels.arrays import on_device
from hmlm.kernels.cells import CellData
from hmlm.kernels.native.bundles import LANES, BundledRows, n_bundles, pad_bundles
from hmlm.kernels.native.glm import BundledGlm
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError


@dataclass(frozen=True)
class Sizes:
    """What the shapes of a density's arrays follow from.

    Attributes:
        levels: of every factor.
        rows: of tiles of rows; None where statistics replace them.
        cells: of tiles of cells; None where rows are read.
        bundles: of rows for native kernels and how many rows these have; empty without.
    """

    levels: tuple[int, ...]
    rows: RowSizes
    cells: RowSizes | None = None
    bundles: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Padded:
    """A padded density, and (D,) where the coordinates of the density itself stand among its own."""

    density: LogDensity
    coordinates: np.ndarray


def pad(density: LogDensity, sizes: Sizes) -> Padded:
    """The density over arrays of these sizes.

    Args:
        density: a density for which :func:`check_padding` passes.
        sizes: none smaller than its own (:func:`sizes_of`).
    """
    spec = padded_spec(density.spec, sizes.levels)
    with double_precision():
        data = _pad_data(density, sizes)
        padded = LogDensity(spec, density.plan, data, np.zeros(0), density.backend)
        coordinates = _coordinates(density, padded)
        scale, initial = np.ones(padded.size), np.zeros(padded.size)
        scale[coordinates], initial[coordinates] = np.asarray(density.data.scale), density.initial
        data = replace(data, scale=on_device(scale))
    return Padded(replace(padded, data=data, initial=initial), coordinates)


def sizes_of(density: LogDensity, levels: tuple[int, ...] | None = None) -> Sizes:
    """The sizes of a density if its factors had so many ``levels``; their own by default."""
    data, own = density.data, tuple(factor.n_levels for factor in density.spec.factors)
    levels, stats, bundles = levels or own, data.statistics, ()
    if isinstance(data.fused, BundledRows | BundledGlm):
        main = data.model.main
        n_groups = (1, 1) if main is None else (own[main], levels[main])
        bundles = (n_bundles(data.fused, *n_groups), len(data.fused.columns))
    return Sizes(
        levels,
        row_sizes(data.model),
        None if stats is None else row_sizes(stats.cells, stats.groups),
        bundles,
    )


def round_sizes(density: LogDensity) -> Sizes:
    """Sizes of a density rounded up."""
    levels = round_levels(density.spec)
    known, main = sizes_of(density, levels), density.data.model.main
    rows, cells = _rounded(known.rows), None if known.cells is None else _rounded(known.cells)
    usual = _usual_bundles(1 if main is None else levels[main], rows.length)
    bundles = (rounded_up(max(pair)) for pair in zip(known.bundles, usual, strict=False))
    return Sizes(levels, rows, cells, tuple(bundles))


def _usual_bundles(n_groups: int, length: int) -> tuple[int, int]:
    """Bundles and their rows that most tables of the size need, however the groups fall into bundles.

    Bundles without groups cost little, and rows beyond the last bundle nothing.
    """
    together = -(-n_groups // LANES)
    return together + 2, together * length


def rounded_up(n: int) -> int:
    """The next of 1, 2, 3, 4, 6, 8, 12, 16, 24, …: less than half of n is added."""
    power = 1 << max(n - 1, 0).bit_length()
    return power * 3 // 4 if power >= 4 and n <= power * 3 // 4 else power


def over_round_sizes(
    density: LogDensity, padded: Padded | None, points: np.ndarray | None, seed: int
) -> tuple[LogDensity, np.ndarray | None]:
    """What is sampled, and from where: (C, D) ``points`` of the density, coordinates that are added drawn."""
    if padded is None:
        return density, points
    if points is None:
        return padded.density, None
    found = np.random.default_rng(seed).standard_normal((len(points), padded.density.size))
    found[:, padded.coordinates] = points
    return padded.density, found


def padding_line(density: LogDensity, padded: Padded) -> str:
    """What ``explain()`` says of it."""
    pairs = zip(density.spec.factors, padded.density.spec.factors, strict=True)
    levels = [f"{more.n_levels} levels of {own.name} for {own.n_levels}" for own, more in pairs]
    _, n_tiles, length = padded.density.data.model.columns.shape
    return f"bucket: programs for up to {n_tiles * length} rows{''.join(f', {part}' for part in levels)}"


def round_levels(spec: Spec) -> tuple[int, ...]:
    """Numbers of levels rounded up; those so few that coordinates of their spread depend on it stay."""
    own = [factor.n_levels for factor in spec.factors]
    return tuple(n if n < FEW_LEVELS else rounded_up(n) for n in own)


def without_pilot(spec: Spec, plan: Plan) -> Plan:
    """The plan with nothing left to the pilot, which may say another thing of each table."""
    pairs = zip(plan.blocks, spec.blocks, strict=True)
    blocks = (replace(part, n_informing=block.size) if part.n_sampled else part for part, block in pairs)
    return replace(plan, blocks=tuple(blocks))


def check_padding(spec: Spec, integrated: int) -> None:
    """Whether a model's arrays can be padded, ``integrated`` of its factors being integrated out.

    Raises:
        HmlmError: they cannot; the message says why and what to do.
    """
    reason = _reason(spec, integrated)
    if reason is not None:
        raise HmlmError(f"bucket=True: {reason}; leave bucket out, programs are then compiled for each shape")


def _reason(spec: Spec, integrated: int) -> str | None:
    if spec.autocor is not None:
        return f"a series of {spec.autocor.term} cannot have rows added to it"
    if spec.multiple:
        return "rows that belong to several levels, mm(), cannot be added to"
    if any(block.known is not None for block in spec.blocks):
        return "levels with a known covariance, gr(cov = ), cannot be added to"
    if integrated > 1:
        return (
            "effects of several factors are integrated out together here, which shapes all of them by each "
            'other; sample all but one, e.g. density={"<factor>": "informed"}'
        )
    return None


def padded_spec(spec: Spec, levels: tuple[int, ...]) -> Spec:
    """The spec with nameless levels added; which factors lie in which is for the data to say."""
    factors = (
        replace(factor, levels=(*factor.levels, *("",) * (n - factor.n_levels)), within=())
        for factor, n in zip(spec.factors, levels, strict=True)
    )
    return replace(spec, factors=tuple(factors))


def _rounded(sizes: RowSizes) -> RowSizes:
    tiles = None if sizes.tiles is None else rounded_up(sizes.tiles)
    return RowSizes(tiles, rounded_up(sizes.length), tuple(map(rounded_up, sizes.widths)))


def _pad_data(density: LogDensity, sizes: Sizes) -> DensityData:
    data, spec = density.data, density.spec
    levels = [sizes.levels[block.factor] for block in spec.blocks]
    known = zip(data.information, levels, strict=True)
    stats = data.statistics and pad_cells(data.statistics, spec, sizes.levels, sizes.cells)
    return replace(
        data,
        model=pad_model(data.model, spec, sizes.levels, sizes.rows),
        statistics=stats,
        fused=_pad_fused(density, stats, sizes),
        information=tuple(own and pad_information(own, n) for own, n in known),
    )


def pad_information(known: Information, n_levels: int) -> Information:
    """What is known of the effects, with levels of which nothing is."""
    arrays = ("precision", "score", "cross", "projection")
    return replace(known, **{name: on_device(on_axis(getattr(known, name), n_levels)) for name in arrays})


def _pad_fused(density: LogDensity, stats: Statistics | None, sizes: Sizes) -> FusedData | None:
    """What native kernels read; on other devices the likelihood is computed without a fused kernel."""
    fused, main = density.data.fused, density.data.model.main
    if isinstance(fused, CellData):
        basis = stats.total if is_whole(density.spec, density.plan) else stats.basis
        return CellData(stats.count, basis, stats.mixed, stats.varying)
    if not isinstance(fused, BundledRows | BundledGlm):
        return None
    bundles, n_rows = sizes.bundles
    own, levels = (1, 1) if main is None else (density.spec.factors[main].n_levels, sizes.levels[main])
    start, group = pad_bundles(fused.start, fused.group, own, levels, bundles)
    rows = {name: _first_axis(getattr(fused, name), n_rows) for name in _arrays_of_rows(fused)}
    return replace(fused, start=on_device(start), group=on_device(group), **rows)


def _arrays_of_rows(fused: BundledRows | BundledGlm) -> tuple[str, ...]:
    return ("columns", "outcomes", "sizes") if isinstance(fused, BundledGlm) else ("columns", "outcomes")


def _first_axis(values: Array, size: int) -> Array:
    return on_device(np.ascontiguousarray(on_axis(np.asarray(values).T, size).T))


def _coordinates(density: LogDensity, padded: LogDensity) -> np.ndarray:
    """(D,) places of the density's coordinates among those of the padded one."""
    parts = [np.arange(density.layout.n_population)]
    for b, block in enumerate(density.spec.blocks):
        own, more = (one.spec.factors[block.factor].n_levels for one in (density, padded))
        first = padded.layout.effects[b].start + more * np.arange(density.plan.blocks[b].n_sampled)
        parts.append((first[:, None] + np.arange(own)).ravel())
    return np.concatenate(parts)
