"""``eliminate`` against the integral written out densely, and its gradient against autodiff of that."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from hmlm.density.precision import double_precision
from hmlm.kernels.eliminate import eliminate, posterior
from hmlm.kernels.small import cholesky, inverse

from ..nights import by_night


def problem(size: int, groups: int = 5):
    rng = np.random.default_rng(size)
    rows = rng.normal(size=(groups, size + 3, size))
    rows[0] = 0.0  # a level without rows
    precision = np.einsum("jna,jnb->abj", rows, rows)
    score = rng.normal(size=(size, groups))
    factor = np.tril(rng.normal(size=(size, size))) + 2 * np.eye(size)
    return precision, score, factor


def summed(precision, score, factor):
    weights = jnp.linspace(1.0, 2.0, score.shape[-1])
    return jnp.sum(weights * eliminate(precision, score, factor))


def dense(precision, score, factor):
    A = jnp.eye(len(factor)) + jnp.einsum("ca,cdj,db->jab", factor, precision, factor)
    v = jnp.einsum("ca,cj->ja", factor, score)
    quadratic = jnp.einsum("ja,ja->j", v, jnp.linalg.solve(A, v[..., None])[..., 0])
    weights = jnp.linspace(1.0, 2.0, score.shape[-1])
    return 0.5 * jnp.sum(weights * (quadratic - jnp.linalg.slogdet(A)[1]))


@pytest.mark.parametrize("size", by_night([1, 2, 3, 6], 1, 6))
def test_value_and_gradient_equal_the_dense_integral(size):
    with double_precision():
        arguments = [jnp.asarray(part) for part in problem(size)]
        value, gradient = jax.value_and_grad(summed, argnums=(0, 1, 2))(*arguments)
        expected, dense_gradient = jax.value_and_grad(dense, argnums=(0, 1, 2))(*arguments)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(gradient[0], dense_gradient[0], atol=1e-10)
        np.testing.assert_allclose(gradient[1], dense_gradient[1], atol=1e-10)
        np.testing.assert_allclose(gradient[2], np.tril(dense_gradient[2]), atol=1e-10)


def test_batches_equal_loops():
    with double_precision():
        precision, score, factor = (jnp.asarray(part) for part in problem(3))
        scores = jnp.stack([score, 2 * score])
        together = jax.vmap(jax.grad(summed, argnums=1), in_axes=(None, 0, None))(precision, scores, factor)
        one = jnp.stack([jax.grad(summed, argnums=1)(precision, s, factor) for s in scores])
        np.testing.assert_allclose(together, one, rtol=1e-12)


def test_gradient_agrees_with_finite_differences():
    with double_precision():
        precision, score, factor = (jnp.asarray(part) for part in problem(2))
        value = lambda s, log_scale: summed(precision, s, factor * jnp.exp(log_scale))
        check_grads(value, (score, jnp.asarray(0.3)), order=1, modes=["rev"])


def test_inverse_and_posterior_mean():
    with double_precision():
        precision, score, factor = (jnp.asarray(part) for part in problem(4))
        A = jnp.eye(4)[:, :, None] + jnp.einsum("ca,cdj,db->abj", factor, precision, factor)
        expected = np.linalg.inv(np.asarray(A).transpose(2, 0, 1)).transpose(1, 2, 0)
        np.testing.assert_allclose(inverse(cholesky(A)), expected, atol=1e-10)
        x = posterior(precision, score, factor).x
        np.testing.assert_allclose(x, np.einsum("abj,bj->aj", expected, factor.T @ score), atol=1e-10)
