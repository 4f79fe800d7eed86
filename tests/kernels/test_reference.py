"""The plain fused kernels against dense multivariate normals, their gradients against finite differences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from hmlm.density.precision import double_precision
from hmlm.kernels import reference
from hmlm.kernels.tiles import make_tiling

from .likelihoods import dense_cells, dense_rows, make_cells, make_rows

evaluate_rows = jax.jit(reference.evaluate_rows, static_argnums=0)
evaluate_cells = jax.jit(reference.evaluate_cells, static_argnums=0)
SIZES = (3, 0, 13, 7)
ROWS = [(1, 1, False), (2, 1, True), (3, 2, True)]
CELLS = [
    (1, 1, 1, "constant"),
    (3, 2, 1, "constant"),
    (3, 2, 2, "varying"),
    (2, 2, 1, "shifted"),
]


def tiled(case, length: int | None = None):
    """Arguments of :func:`reference.evaluate_rows`."""
    tiling = make_tiling(case.index, case.groups, length)
    place = lambda values: jnp.asarray(tiling.place(values))
    present = jnp.asarray(tiling.rows >= 0, case.columns.dtype)
    data = reference.TiledRows(place(case.columns), place(case.outcomes), present, tiling.tiles)
    offset = None if case.offset is None else place(case.offset)
    return case.terms, data, case.point._replace(offset=offset)


@pytest.mark.parametrize("length", [None, 4], ids=["one tile each", "many tiles"])
@pytest.mark.parametrize("kind", ROWS, ids=str)
def test_rows_are_the_dense_normals(kind, length):
    with double_precision():
        case = make_rows(*kind, SIZES)
        terms, data, point = tiled(case, length)
        value, gradient = evaluate_rows(terms, data, point)
        np.testing.assert_allclose(value, dense_rows(case), rtol=1e-12)
        assert jax.tree.structure(gradient) == jax.tree.structure(point)


@pytest.mark.parametrize("kind", CELLS, ids=str)
def test_cells_are_the_dense_normals(kind):
    with double_precision():
        case = make_cells(*kind)
        value, gradient = evaluate_cells(case.terms, case.data, case.point)
        np.testing.assert_allclose(value, dense_cells(case), rtol=1e-12)
        assert jax.tree.structure(gradient) == jax.tree.structure(case.point)


def directional(evaluate, terms, data, point, step: float = 1e-6) -> tuple[float, float]:
    """Derivative along a random direction by central differences, and by the gradient."""
    flat, restore = ravel_pytree(point)
    direction = np.random.default_rng(3).normal(size=flat.shape)
    above, below = (evaluate(terms, data, restore(flat + sign * step * direction))[0] for sign in (1, -1))
    gradient = ravel_pytree(evaluate(terms, data, point)[1])[0]
    return (above - below) / (2 * step), direction @ gradient


def test_gradients_agree_with_finite_differences():
    with double_precision():
        case = make_cells(3, 2, 2, "varying")
        np.testing.assert_allclose(
            *directional(evaluate_rows, *tiled(make_rows(3, 2, True, SIZES))), rtol=1e-6
        )
        np.testing.assert_allclose(*directional(evaluate_cells, case.terms, case.data, case.point), rtol=1e-6)
