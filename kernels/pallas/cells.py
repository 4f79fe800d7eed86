"""Gaussian cells, location effects integrated out, as a Mosaic GPU kernel: groups in the lanes.

A program holds LANES groups of one chain and goes over their V cells twice: for the moments X of
:mod:`hmlm.kernels.pallas.group`, and with its slope H for the gradient. With S the cross-products of a cell's
basis and effects' columns together, ``e_m`` outcome m's residual in both (less the shift of its own effects),
Y the moments before they are divided by the sigmas and ``K_ab = H_ab / (sigma_a sigma_b)``,

    R_m = S e_m    Y_am = R_m[a]    Y_mn = e_m'R_n
    d/de_m = sum_a K_am S_a + sum_n K_mn R_n    d/ds_m = -sum over i of outcome m of (K Y)_ii - n
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from operator import add
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from hmlm.kernels.cells import CellData, CellPoint, CellTerms
from hmlm.kernels.pallas.group import column, dot, evaluate_group, full
from hmlm.kernels.pallas.mosaic import LANES, entries, launch, padded, store, zeros_like_loaded
from hmlm.kernels.small import Entries


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LaneCells:
    """Cross-products of V cells of each of N LANES groups, zero where padded.

    Attributes:
        count: (V, N, LANES) rows.
        basis: (B, B, V, N, LANES), or their sum (B, B, 1) where sigma is constant and no mean is shifted.
        mixed: (B, Q, V, N, LANES).
        varying: (Q, Q, V, N, LANES).
        first: (V, N, LANES) 1 in the first cell of the first group, which takes a basis summed over cells.
    """

    count: Array
    basis: Array
    mixed: Array
    varying: Array
    first: Array


class _Cell(NamedTuple):
    """One cell of every lane: n rows, S (B + Q, B + Q), R (M, B + Q), Y (E, E), 1 / sigma (E), s (M)."""

    count: Array
    products: list[list[Array]]
    right: list[list[Array]]
    moments: list[list[Array]]
    inverse_sigma: list[Array]
    log_sigma: list[Array]


def lane_cells(data: CellData, groups: int) -> LaneCells:
    """The kernel's layout of cells of ``groups`` groups."""
    lanes = partial(_to_lanes, groups=groups)
    basis = data.basis if data.basis.shape[-1] == 1 else lanes(data.basis)
    first = jnp.zeros_like(data.count).at[0].set(1)
    return LaneCells(lanes(data.count), basis, lanes(data.mixed), lanes(data.varying), lanes(first))


def evaluate_cells(
    terms: CellTerms, data: LaneCells, point: CellPoint, *, interpret: bool = False
) -> tuple[Array, CellPoint]:
    """Value and gradient, see :mod:`hmlm.kernels.cells`."""
    shared, each = _split(point, terms.groups)
    flat, restore = ravel_pytree((shared.precision, shared.factor, shared.residual, shared.log_sigma))
    programs = data.count.shape[1]
    sums = jax.ShapeDtypeStruct((programs, 1 + len(flat)), flat.dtype)
    out = (sums, jax.tree.map(lambda part: jax.ShapeDtypeStruct(part.shape, part.dtype), each))
    sums, each = launch(partial(_program, terms), (data, shared, each), out, "cells", programs, interpret)
    sums = sums.sum(0)
    precision, factor, residual, log_sigma = restore(sums[1:])
    shared = CellPoint(residual, None, log_sigma, precision, factor)
    return sums[0], _joined(shared, each, terms.groups)


def _split(point: CellPoint, groups: int) -> tuple[CellPoint, CellPoint]:
    """What groups share, and what each has, in lanes."""
    constant = point.log_sigma.shape[-1] == 1
    shift = None if point.shift is None else _to_lanes(point.shift, groups)
    log_sigma = None if constant else _to_lanes(point.log_sigma, groups)
    shared = point._replace(shift=None, log_sigma=point.log_sigma if constant else None)
    return shared, CellPoint(None, shift, log_sigma, None, None)


def _joined(shared: CellPoint, each: CellPoint, groups: int) -> CellPoint:
    return CellPoint(
        *(s if e is None else _from_lanes(e, groups) for s, e in zip(shared, each, strict=True)),
    )


def _to_lanes(cells: Array, groups: int) -> Array:
    """(..., J V) to (..., V, N, LANES)."""
    *lead, size = cells.shape
    by_group = cells.reshape(*lead, groups, size // groups).swapaxes(-1, -2)
    n = -(-groups // LANES)
    widths = [(0, 0)] * (by_group.ndim - 1) + [(0, n * LANES - groups)]
    return jnp.pad(by_group, widths).reshape(*lead, size // groups, n, LANES)


def _from_lanes(lanes: Array, groups: int) -> Array:
    """(..., V, N, LANES) to (..., J V)."""
    *lead, per_group, n, width = lanes.shape
    by_group = lanes.reshape(*lead, per_group, n * width)[..., :groups]
    return by_group.swapaxes(-1, -2).reshape(*lead, groups * per_group)


def _program(terms: CellTerms, inputs: tuple[Any, Any, Any], out: tuple[Any, Any]) -> None:
    """LANES groups, from and to references."""
    data, shared, each = inputs
    sums, d_each = out
    block = lax.axis_index("cells")
    residual = _residual(terms, shared.residual, each.shift, block)
    read = partial(_read, terms, data, residual, shared.log_sigma, each.log_sigma, block)
    precision = entries(shared.precision)
    factor = [row[: a + 1] for a, row in enumerate(entries(shared.factor))]
    log_sigma, moments = _moments(read, data, block, len(factor) + len(precision))
    value, gradient = evaluate_group(terms.effects, full(moments), precision, factor)
    lower = [list(map(jnp.sum, row)) for row in gradient.factor]
    known = [*map(jnp.sum, [value - log_sigma, *chain(*gradient.precision)]), *chain(*padded(lower))]
    store(sums.at[block], known)
    d_residual, d_sigma = _gradient(terms, read, data, residual, gradient.slope, d_each.log_sigma, block)
    n_basis = data.mixed.shape[0]
    for c, m in enumerate(terms.effects if each.shift is not None else ()):
        d_each.shift[c, 0, block] = -d_residual[m][n_basis + c]
    of_basis = chain(*zip(*(row[:n_basis] for row in d_residual), strict=True))
    store(sums.at[block], [*map(jnp.sum, [*of_basis, *d_sigma])], len(known))


def _residual(terms: CellTerms, residual: Any, shift: Any, block: Array) -> list[list[Array | None]]:
    """e (M, B + Q), None where it is zero by structure."""
    rows = [list(row) for row in zip(*entries(residual), strict=True)]
    if shift is None:
        return [row + [None] * len(terms.effects) for row in rows]
    delta = [shift[c, 0, block] for c in range(len(terms.effects))]
    own = lambda m: [-d if o == m else None for o, d in zip(terms.effects, delta, strict=True)]
    return [row + own(m) for m, row in enumerate(rows)]


def _read(
    terms: CellTerms,
    data: LaneCells,
    residual: list[list[Array | None]],
    constant: Any,
    lanes: Any,
    block: Array,
    v: Array,
) -> _Cell:
    """Cell v of every lane."""
    n_outcomes = len(residual)
    products = _products(data, block, v)
    right = [[_known_dot(row, e) for row in products] for e in residual]
    effects = range(len(products) - len(terms.effects), len(products))
    moments = [[products[a][b] for b in effects] + [row[a] for row in right] for a in effects]
    moments += [[row[a] for a in effects] + [_known_dot(e, row) for e in residual] for row in right]
    log_sigma = [constant[m, 0] if lanes is None else lanes[m, v, block] for m in range(n_outcomes)]
    inverse = [jnp.exp(-s) for s in log_sigma]
    inverse_sigma = [inverse[o] for o in terms.effects] + inverse
    return _Cell(data.count[v, block], products, right, moments, inverse_sigma, log_sigma)


def _products(data: LaneCells, block: Array, v: Array) -> list[list[Array]]:
    """S; the basis' own part of a sum stands in the first cell of the first lane."""
    n_basis, n_effects = data.mixed.shape[:2]
    if data.basis.ndim == 3:
        first = data.first[v, block]
        basis = [[data.basis[b, c, 0] * first for c in range(b + 1)] for b in range(n_basis)]
    else:
        basis = [[data.basis[b, c, v, block] for c in range(b + 1)] for b in range(n_basis)]
    mixed = [[data.mixed[b, a, v, block] for b in range(n_basis)] for a in range(n_effects)]
    varying = [[data.varying[a, b, v, block] for b in range(a + 1)] for a in range(n_effects)]
    return full(basis + [left + right for left, right in zip(mixed, varying, strict=True)])


def _known_dot(left: list[Array | None], right: list[Array | None]) -> Array:
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    return dot(*zip(*pairs, strict=True))


def _moments(read: Any, data: LaneCells, block: Array, size: int) -> tuple[Array, list[list[Array]]]:
    """``n sum_m s_m`` and rows of the lower triangle of X."""

    def step(v: Array, total: tuple) -> tuple:
        cell = read(v)
        weight = cell.inverse_sigma
        moments = [
            [x + cell.moments[a][b] * weight[a] * weight[b] for b, x in enumerate(row)]
            for a, row in enumerate(total[1])
        ]
        return total[0] + cell.count * reduce(add, cell.log_sigma), moments

    zero = zeros_like_loaded(data.count[0, block])
    start = (zero, [[zero] * (a + 1) for a in range(size)])
    return lax.fori_loop(0, data.count.shape[0], step, start)


def _gradient(
    terms: CellTerms,
    read: Any,
    data: LaneCells,
    residual: list[list[Array | None]],
    slope: Entries,
    lanes: Any,
    block: Array,
) -> tuple[list[list[Array]], list[Array]]:
    """For e, and for s where it is constant; where it varies its gradient is stored."""
    n_outcomes = len(residual)

    def step(v: Array, total: tuple) -> tuple:
        cell = read(v)
        d_residual, d_sigma = _cell_gradient(terms, cell, slope)
        d_residual = [
            [None if x is None else x + d for x, d in zip(*rows, strict=True)]
            for rows in zip(total[0], d_residual, strict=True)
        ]
        if lanes is None:
            return d_residual, [x + d for x, d in zip(total[1], d_sigma, strict=True)]
        for m, d in enumerate(d_sigma):
            lanes[m, v, block] = d
        return d_residual, []

    zero = zeros_like_loaded(data.count[0, block])
    known = [[None if e is None else zero for e in row] for row in residual]
    start = (known, [zero] * n_outcomes if lanes is None else [])
    return lax.fori_loop(0, data.count.shape[0], step, start)


def _cell_gradient(terms: CellTerms, cell: _Cell, slope: Entries) -> tuple[list[list[Array]], list[Array]]:
    """For e (M, B + Q) and s (M)."""
    n_outcomes, size = len(cell.right), len(terms.effects)
    weight = cell.inverse_sigma
    K = full([[slope[a][b] * weight[a] * weight[b] for b in range(a + 1)] for a in range(len(weight))])
    of_effects = cell.products[len(cell.products) - size :]
    d_residual = [
        [dot(K[size + m], column(of_effects + cell.right, i)) for i in range(len(cell.products))]
        for m in range(n_outcomes)
    ]
    owners = [*terms.effects, *range(n_outcomes)]
    products = [dot(*rows) for rows in zip(K, cell.moments, strict=True)]
    of = [[p for p, owner in zip(products, owners, strict=True) if owner == m] for m in range(n_outcomes)]
    return d_residual, [-reduce(add, parts) - cell.count for parts in of]
