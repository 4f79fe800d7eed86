"""Correlation matrices against NumPyro's transform and prior."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions.transforms import CorrCholeskyTransform

from hmlm.density.correlation import (
    correlation_cholesky,
    correlation_unconstrained,
    lkj_log_density,
    n_correlations,
)

SIZES = (2, 3, 5)
factor_and_jacobian = jax.jit(correlation_cholesky, static_argnums=0)


@pytest.mark.parametrize("size", SIZES)
def test_factor_and_jacobian_are_numpyros(size):
    transform = CorrCholeskyTransform()
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(size).normal(size=n_correlations(size)))
        factor, jacobian = factor_and_jacobian(size, x)
        wanted = jax.jit(lambda x: transform(x))(x)
        np.testing.assert_allclose(factor, wanted, rtol=1e-10, atol=1e-12)
        wanted_jacobian = float(transform.log_abs_det_jacobian(x, wanted))
    assert float(jacobian) == pytest.approx(wanted_jacobian, rel=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_jacobian_is_that_of_the_strict_lower_triangle(size):
    rows, cols = np.tril_indices(size, -1)
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(size).normal(size=n_correlations(size)))
        tangents = np.asarray(jax.jit(jax.jacrev(lambda x: correlation_cholesky(size, x)[0]))(x))
        wanted = np.linalg.slogdet(tangents[rows, cols])[1]
        assert float(factor_and_jacobian(size, x)[1]) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("shape", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("size", SIZES)
def test_lkj_is_numpyros_up_to_a_constant(size, shape):
    with jax.enable_x64(True):
        prior = dist.LKJCholesky(size, shape)
        x = np.random.default_rng(7).normal(size=(4, n_correlations(size)))
        factors = [factor_and_jacobian(size, jnp.asarray(row))[0] for row in x]
        gap = [float(lkj_log_density(f, shape) - prior.log_prob(f)) for f in factors]
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_unconstrained_is_the_inverse(size):
    x = np.random.default_rng(size).normal(size=n_correlations(size))
    with jax.enable_x64(True):
        factor = np.asarray(factor_and_jacobian(size, jnp.asarray(x))[0])
    np.testing.assert_allclose(correlation_unconstrained(factor @ factor.T), x, rtol=1e-8)


@pytest.mark.parametrize("far", [0.0, 15.0, -15.0])
def test_extreme_coordinates_have_finite_values_and_gradients(far):
    def log_density(x: jax.Array) -> jax.Array:
        factor, jacobian = correlation_cholesky(3, x)
        return jacobian + lkj_log_density(factor, 1.0)

    with jax.enable_x64(True):
        value, gradient = jax.jit(jax.value_and_grad(log_density))(jnp.full(3, far))
    assert np.isfinite(value) and np.isfinite(gradient).all()
