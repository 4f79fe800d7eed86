"""Models 1 to 5 of the affect data by hand in NumPyro, as its documentation teaches them.

Effects of people are non-centred through the Cholesky factor of an LKJ correlation matrix and reach the
rows by a gather, ``u[person]``; chains start at good values. Priors are those of the formulas in
:mod:`gpu_benchmarks.affect_models`, where the prior of an intercept is for centred columns.

Arguments: ``person`` (N,) indices, ``y`` (N,) or (N, M), ``X`` (N, K) population-level columns of the mean,
centred, ``Z`` (N, Q) those whose coefficients vary, ``W`` and ``V`` the same for log sigma.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro import sample

HALF_T = dist.FoldedDistribution(dist.StudentT(3, 0, 2.5))


def m1(n_people, person, y, X, Z):
    """NA.std ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag | id)."""
    intercept = sample("Intercept", dist.Normal(0, 0.2))
    b = sample("b", dist.Normal(0, 1).expand([2]).to_event(1))
    sigma = sample("sigma", dist.Exponential(1))
    u = effects_of_people(n_people, 3, dist.Exponential(1))
    mu = intercept + X @ b + jnp.sum(Z * u[person], axis=-1)
    sample("y", dist.Normal(mu, sigma), obs=y)


def m2(n_people, person, y, X, Z):
    """bf(NA.std ~ 1 + (1 | c | id)) + bf(PA.std ~ 1 + (1 | c | id)) + set_rescor(TRUE)."""
    intercept = sample("Intercept", dist.Normal(0, 0.2).expand([2]).to_event(1))
    u = effects_of_people(n_people, 2, HALF_T)
    mu = intercept + u[person]
    sample("y", dist.MultivariateNormal(mu, scale_tril=residual_factor()), obs=y)


def m3(n_people, person, y, X, Z):
    """Both outcomes ~ 1 + NA_lag + PA_lag + (1 + NA_lag + PA_lag | c | id), set_rescor(TRUE)."""
    intercept = sample("Intercept", dist.Normal(0, 0.2).expand([2]).to_event(1))
    b = sample("b", dist.Normal(0, 1).expand([2, 2]).to_event(2))
    u = effects_of_people(n_people, 6, HALF_T)[person]
    varying = jnp.stack([jnp.sum(Z * u[:, :3], axis=-1), jnp.sum(Z * u[:, 3:], axis=-1)], axis=-1)
    mu = intercept + X @ b + varying
    sample("y", dist.MultivariateNormal(mu, scale_tril=residual_factor()), obs=y)


def m4(n_people, person, y, X, Z, W, V):
    """bf(PA.std ~ 1 + (1 | c | id), sigma ~ 1 + (1 | c | id))."""
    intercept = sample("Intercept", dist.Normal(0, 0.2))
    sigma_intercept = sample("sigma_Intercept", dist.Normal(0, 1))
    u = effects_of_people(n_people, 2, dist.Exponential(1))[person]
    mu = intercept + u[:, 0]
    log_sigma = sigma_intercept + u[:, 1]
    sample("y", dist.Normal(mu, jnp.exp(log_sigma)), obs=y)


def m5(n_people, person, y, X, Z, W, V):
    """bf(PA.std ~ 1 + day + PA_lag + NA_lag + steps.pm*steps.pmd + (1 + day + steps.pmd | c | id),
    sigma ~ 1 + PA_lag + NA_lag + steps.pm*steps.pmd + (1 + steps.pmd | c | id))."""
    intercept = sample("Intercept", dist.Normal(0, 0.2))
    b = sample("b", dist.Normal(0, 1).expand([6]).to_event(1))
    sigma_intercept = sample("sigma_Intercept", dist.Normal(0, 1))
    sigma_b = sample("sigma_b", dist.ImproperUniform(dist.constraints.real_vector, (), (5,)))
    u = effects_of_people(n_people, 5, dist.Exponential(1))[person]
    mu = intercept + X @ b + jnp.sum(Z * u[:, :3], axis=-1)
    log_sigma = sigma_intercept + W @ sigma_b + jnp.sum(V * u[:, 3:], axis=-1)
    sample("y", dist.Normal(mu, jnp.exp(log_sigma)), obs=y)


def effects_of_people(n_people, size, sd_prior):
    """(n_people, size) correlated effects, non-centred."""
    sd = sample("sd", sd_prior.expand([size]).to_event(1))
    L = sample("L", dist.LKJCholesky(size, concentration=2))
    with numpyro.plate("people", n_people):
        z = sample("z", dist.Normal(0, 1).expand([size]).to_event(1))
    return z @ (sd[:, None] * L).T


def residual_factor():
    """(2, 2) Cholesky factor of the residual covariance of two outcomes."""
    sigma = sample("sigma", HALF_T.expand([2]).to_event(1))
    L = sample("L_rescor", dist.LKJCholesky(2, concentration=1))
    return sigma[:, None] * L


PROGRAMS = {"m1": m1, "m2": m2, "m3": m3, "m4": m4, "m5": m5}


def estimates(draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Draws with correlation matrices in place of their Cholesky factors, effects of people left out."""
    out = {name: np.asarray(value) for name, value in draws.items() if name != "z"}
    for factor, matrix in (("L", "cor"), ("L_rescor", "rescor")):
        if factor in out:
            L = out.pop(factor)
            out[matrix] = L @ L.swapaxes(-1, -2)
    return out
