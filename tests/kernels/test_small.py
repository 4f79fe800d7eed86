"""Unrolled factorizations against numpy.linalg, matrix by matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.kernels.small import (
    cholesky,
    congruence,
    lower_product_transposed,
    solve_lower,
    solve_lower_transposed,
)

N_MATRICES = 6


@pytest.fixture(params=[1, 2, 3, 5])
def matrices(request) -> np.ndarray:
    """(J, Q, Q) positive definite."""
    roots = np.random.default_rng(request.param).normal(size=(N_MATRICES, request.param, request.param + 2))
    return roots @ roots.swapaxes(1, 2)


def batch_last(matrices: np.ndarray) -> jax.Array:
    return jnp.asarray(np.moveaxis(matrices, 0, -1))


def test_factor_and_its_determinant(matrices):
    wanted = np.linalg.cholesky(matrices)
    with jax.enable_x64(True):
        factor = cholesky(batch_last(matrices))
    for a, row in enumerate(factor.entries):
        assert len(row) == a + 1
        for b, entry in enumerate(row):
            np.testing.assert_allclose(entry, wanted[:, a, b], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(factor.inverse_diagonal[a], 1 / wanted[:, a, a], rtol=1e-10)
    log_det = 2 * np.asarray(factor.log_diagonal)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrices)[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shared", [False, True], ids=["one each", "shared"])
def test_solves_and_product(matrices, shared):
    matrices = matrices[:1] if shared else matrices
    root = np.linalg.cholesky(matrices)
    right = np.random.default_rng(9).normal(size=(N_MATRICES, matrices.shape[1], 1))
    results = {
        solve_lower: np.linalg.solve(root, right),
        solve_lower_transposed: np.linalg.solve(root.swapaxes(1, 2), right),
        lower_product_transposed: root.swapaxes(1, 2) @ right,
    }
    with jax.enable_x64(True):
        factor = cholesky(batch_last(matrices))
        for function, wanted in results.items():
            got = function(factor, batch_last(right[..., 0]))
            np.testing.assert_allclose(got, wanted[..., 0].T, rtol=1e-9, atol=1e-10)


def test_gradient_is_that_of_the_library(matrices):
    right = np.random.default_rng(3).normal(size=(N_MATRICES, matrices.shape[1]))

    def ours(m: jax.Array) -> jax.Array:
        factor = cholesky(m)
        white = solve_lower(factor, jnp.asarray(right.T))
        return jnp.sum(factor.log_diagonal) + 0.5 * jnp.sum(white**2)

    def library(m: jax.Array) -> jax.Array:
        m = jnp.moveaxis(m, -1, 0)
        square = jnp.einsum("ja,jab,jb->", right, jnp.linalg.inv(m), right)
        return 0.5 * jnp.sum(jnp.linalg.slogdet(m)[1]) + 0.5 * square

    with jax.enable_x64(True):
        got, wanted = (jax.jit(jax.grad(f))(batch_last(matrices)) for f in (ours, library))
    # Only the lower triangle is read: its derivative is that of both triangles together.
    got, wanted = (np.asarray(g) + np.asarray(g).swapaxes(0, 1) for g in (got, wanted))
    np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-9)


def test_congruence(matrices):
    size = matrices.shape[1]
    left = np.random.default_rng(3).normal(size=(size, size))
    with jax.enable_x64(True):
        got = congruence(jnp.asarray(left), batch_last(matrices))
    np.testing.assert_allclose(np.moveaxis(got, -1, 0), left.T @ matrices @ left, rtol=1e-10)
