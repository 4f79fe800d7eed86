"""The plain fused kernels against one dense normal per group, and their gradients against its slopes."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.precision import double_precision
from hmlm.kernels.tiles import make_tiling
from tests.kernels import reference
from tests.kernels.likelihoods import (
    Sizes,
    dense_rows,
    inner,
    make_cells,
    make_directions,
    make_point,
    make_rows,
    make_terms,
    slopes,
)

SIZES = (3, 0, 13, 7)


def tiled(rows, point, length: int | None = None):
    """Data and point in tiles; a direction can stand for the point."""
    tiling = make_tiling(rows.index, len(rows.sizes), length)
    place = lambda values: jnp.asarray(tiling.place(values))
    present = place(np.ones(len(rows.index)))
    data = reference.TiledRows(place(rows.columns), place(rows.outcomes), present, tiling.tiles)
    return data, point if point.offset is None else point._replace(offset=place(point.offset))


def check(evaluate, point, dense, place=lambda point: point) -> None:
    """Value, and derivatives in directions of every argument."""
    value, gradient = evaluate(place(point))
    assert jax.tree.structure(gradient) == jax.tree.structure(point)
    np.testing.assert_allclose(value, dense(point), rtol=1e-11)
    directions = make_directions(point, seed=0)
    for direction, expected in zip(directions, slopes(dense, point, directions), strict=True):
        moved = place(direction)
        scale = inner(jax.tree.map(np.abs, gradient), jax.tree.map(np.abs, moved))
        assert abs(inner(gradient, moved) - expected) < 1e-10 * max(1.0, scale)


@pytest.mark.parametrize(
    ("effects", "outcomes", "offset", "length"), [(0, 1, False, None), (2, 1, True, None), (3, 2, True, 4)]
)
def test_rows(effects, outcomes, offset, length):
    with double_precision():
        size = Sizes(effects, outcomes, 3, SIZES)
        rows, terms = make_rows(size, 1), make_terms(size, 1)
        point = make_point(size, terms, 1, offset)
        evaluate = jax.jit(partial(reference.evaluate_rows, terms, tiled(rows, point, length)[0]))
        check(evaluate, point, partial(dense_rows, terms, rows), lambda p: tiled(rows, p, length)[1])


@pytest.mark.parametrize(
    ("effects", "outcomes", "per_group", "constant", "shifted"),
    [(1, 1, 1, True, False), (3, 2, 2, False, True), (2, 2, 1, True, True), (2, 1, 2, True, False)],
)
def test_cells(effects, outcomes, per_group, constant, shifted):
    with double_precision():
        size = Sizes(effects, outcomes, 2, SIZES)
        terms, data, point, dense = make_cells(size, per_group, constant, shifted, 1)
        evaluate = jax.jit(partial(reference.evaluate_cells, terms, jax.tree.map(jnp.asarray, data)))
        check(evaluate, point, dense, partial(jax.tree.map, jnp.asarray))
