"""Gaussian rows against SciPy's multivariate normal, row by row."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hmlm.kernels.gaussian import gaussian_rows

N_ROWS = 9


def correlation(size: int) -> np.ndarray:
    root = np.random.default_rng(size).normal(size=(size, size + 1))
    covariance = root @ root.T
    sd = np.sqrt(np.diag(covariance))
    return covariance / np.outer(sd, sd)


@pytest.mark.parametrize("row_wise", [True, False], ids=["row-wise scale", "constant scale"])
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("correlated", [True, False], ids=["rescor", "independent"])
def test_sum_of_log_densities(size, correlated, row_wise):
    rng = np.random.default_rng(4)
    residual = rng.normal(size=(size, N_ROWS))
    log_sigma = rng.normal(size=(size, N_ROWS if row_wise else 1))
    matrix = correlation(size) if correlated else np.eye(size)
    scale = np.broadcast_to(np.exp(log_sigma), residual.shape)
    wanted = sum(
        multivariate_normal(cov=matrix * np.outer(scale[:, n], scale[:, n])).logpdf(residual[:, n])
        for n in range(N_ROWS)
    )
    with jax.enable_x64(True):
        factor = jnp.asarray(np.linalg.cholesky(matrix)) if correlated else None
        got = gaussian_rows(jnp.asarray(residual), jnp.asarray(log_sigma), factor, N_ROWS)
    assert float(got) == pytest.approx(wanted, rel=1e-11)
