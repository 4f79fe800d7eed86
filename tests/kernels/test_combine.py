"""Weighted sums of constant rows against einsum, value and gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.kernels.combine import combine


@pytest.mark.parametrize("shape", [(7,), (3, 7)], ids=str)
@pytest.mark.parametrize("n_outcomes", [1, 2])
@pytest.mark.parametrize("n_rows", [0, 4])
def test_value_and_gradient(n_rows, n_outcomes, shape):
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        rows = jnp.asarray(rng.normal(size=(n_rows, *shape)))
        weights = jnp.asarray(rng.normal(size=(n_rows, n_outcomes)))
        plain = lambda w: jnp.einsum("bm,b...->m...", w, rows)
        got, back = jax.vjp(lambda w: combine(w, rows), weights)
        wanted, plain_back = jax.vjp(plain, weights)
        np.testing.assert_allclose(got, wanted, rtol=1e-12)
        np.testing.assert_allclose(back(got)[0], plain_back(got)[0], rtol=1e-12)
