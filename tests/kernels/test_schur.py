"""Crossed elimination against one dense matrix: value, gradient, moments of draws."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from hmlm.density.precision import double_precision
from hmlm.kernels.schur import System, draw_all, eliminate_all

from ..nights import by_night

SHAPES = by_night([(1, 5, 3), (2, 4, 6), (3, 6, 1)], (1, 5, 3))


def system(size: int, levels: int, n_rest: int) -> System:
    """Blocks of Z'Z for Q columns of J levels and S dense ones; the first level has no rows."""
    rng = np.random.default_rng(size)
    n_rows = 60
    level = 1 + np.arange(n_rows) % (levels - 1)
    first = np.zeros((n_rows, size, levels))
    first[np.arange(n_rows), :, level] = rng.normal(size=(n_rows, size))
    rest, y = 0.4 * rng.normal(size=(n_rows, n_rest)), rng.normal(size=n_rows)
    blocks = (
        np.einsum("naj,nbj->abj", first, first),
        np.einsum("naj,n->aj", first, y),
        np.einsum("ns,naj->saj", rest, first),
        rest.T @ rest,
        rest.T @ y,
    )
    return System(*(jnp.asarray(block) for block in blocks))


def whole(blocks: System) -> tuple[jax.Array, jax.Array]:
    """A and v as one matrix and one vector."""
    size, levels = blocks.score.shape
    eye = jnp.eye(levels)
    first = jnp.einsum("abj,jk->ajbk", blocks.precision, eye).reshape(size * levels, -1)
    cross = blocks.cross.reshape(len(blocks.rest_score), -1)
    A = jnp.block([[first, cross.T], [cross, blocks.rest]])
    return A + jnp.eye(len(A)), jnp.concatenate([blocks.score.ravel(), blocks.rest_score])


def dense(blocks: System) -> jax.Array:
    A, v = whole(blocks)
    return 0.5 * v @ jnp.linalg.solve(A, v) - 0.5 * jnp.linalg.slogdet(A)[1]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_value_and_gradient_equal_the_dense_integral(shape):
    with double_precision():
        blocks = system(*shape)
        value, gradient = jax.value_and_grad(eliminate_all)(blocks)
        expected, dense_gradient = jax.value_and_grad(dense)(blocks)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        for got, wanted in zip(gradient, dense_gradient, strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-10)


def test_gradient_agrees_with_finite_differences():
    with double_precision():
        blocks = system(2, 4, 3)
        scaled = lambda a, b: eliminate_all(blocks._replace(cross=a * blocks.cross, score=b * blocks.score))
        check_grads(scaled, (jnp.asarray(0.7), jnp.asarray(1.3)), order=1, modes=["rev"])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_draws_have_the_exact_moments(shape):
    size, levels, n_rest = shape
    n_first = size * levels
    with double_precision():
        blocks = system(*shape)
        draw = lambda noise: jnp.concatenate(
            [x.ravel() for x in draw_all(blocks, noise[:n_first].reshape(size, levels), noise[n_first:])]
        )
        zero = jnp.zeros(n_first + n_rest)
        root = jax.jacobian(draw)(zero)
        A, v = whole(blocks)
        np.testing.assert_allclose(draw(zero), jnp.linalg.solve(A, v), atol=1e-10)
        np.testing.assert_allclose(root @ root.T, jnp.linalg.inv(A), atol=1e-10)
