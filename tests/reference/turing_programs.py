"""The tutorial's Turing programs, line by line in NumPyro, and the model that its text describes.

Julia's ``Exponential(θ)`` has mean θ; ``std`` divides by n - 1; ``PDMat(Cholesky(F))`` with F lower
triangular is F F'. Three of the programs are not what the text says: ``X * βⱼ * τ`` sums the slopes of all
groups, whatever the row's group, and ``Σ * γ`` multiplies by a covariance matrix where its Cholesky factor
was meant.

References:
    Storopoli (2021), Bayesian Statistics using Julia and Turing, chapter "Multilevel Models".
"""

from __future__ import annotations

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import Array

GROUPS = 2
JITTER = 1e-6


def slope(X, idx, y):
    alpha, sigma = intercept(y), residual_sd(y)
    tau = half_cauchy("τ", GROUPS)
    beta = normal("βⱼ", 1, (X.shape[1], GROUPS))
    numpyro.sample("y", dist.Normal(alpha + X @ beta @ tau, sigma), obs=y)


def intercept_slope(X, idx, y):
    alpha, sigma = intercept(y), residual_sd(y)
    tau_a = numpyro.sample("τₐ", dist.HalfCauchy(2.0))
    tau_b = half_cauchy("τᵦ", GROUPS)
    alpha_j = numpyro.sample("αⱼ", dist.Normal(0, tau_a).expand([GROUPS]).to_event(1))
    beta = normal("βⱼ", 1, (X.shape[1], GROUPS))
    numpyro.sample("y", dist.Normal(alpha + alpha_j[idx] + X @ beta @ tau_b, sigma), obs=y)


def correlated(X, idx, y):
    """``X`` starts with a column of ones."""
    size = X.shape[1]
    factor = numpyro.sample("Ω.L", dist.LKJCholesky(size, 2.0))
    sigma = residual_sd(y)
    tau = half_cauchy("τ", size)
    gamma = normal("γ", 5, (size, GROUPS))
    root = tau[:, None] * factor + JITTER * jnp.eye(size)
    beta = root @ root.T @ gamma
    numpyro.sample("y", dist.Normal((X * beta.T[idx]).sum(1), sigma), obs=y)


def as_the_text_says(X, Z, idx, y, *, correlated: bool):
    """``y ~ normal(X b + Z u_j, sigma)``, ``u_j ~ N(0, diag(tau) R diag(tau))``, R = I unless correlated.

    Args:
        X: (N, K) population-level columns, the first one of ones.
        Z: (N, Q) varying columns.
        idx: (N,) group of each row.
        y: (N,) outcome.
        correlated: whether the effects of a group are.
    """
    size = Z.shape[1]
    slopes = normal("b", 2, (X.shape[1] - 1,))
    tau = half_cauchy("tau", size)
    factor = numpyro.sample("L", dist.LKJCholesky(size, 2.0)) if correlated else jnp.eye(size)
    root = tau[:, None] * factor
    u = numpyro.sample("u", dist.MultivariateNormal(0.0, scale_tril=root).expand([GROUPS]).to_event(1))
    mean = intercept(y) + X[:, 1:] @ slopes + (Z * u[idx]).sum(1)
    numpyro.sample("y", dist.Normal(mean, residual_sd(y)), obs=y)


def intercept(y) -> Array:
    return numpyro.sample("α", dist.Normal(y.mean(), 2.5 * y.std(ddof=1)))


def residual_sd(y) -> Array:
    return numpyro.sample("σ", dist.Exponential(1 / y.std(ddof=1)))


def half_cauchy(name: str, size: int) -> Array:
    return numpyro.sample(name, dist.HalfCauchy(2.0).expand([size]).to_event(1))


def normal(name: str, sd: float, shape: tuple[int, ...]) -> Array:
    return numpyro.sample(name, dist.Normal(0.0, sd).expand(shape).to_event(len(shape)))
