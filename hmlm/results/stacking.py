"""Weights under which a mixture of models predicts best.

References:
    Yao, Vehtari, Simpson & Gelman (2018), doi:10.1214/17-BA1091
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

TOLERANCE = 1e-12


def stacking_weights(elpd_i: np.ndarray) -> np.ndarray:
    """(K,) weights w that maximise ``sum_i log sum_k w_k exp(elpd_i[i, k])``, at least 0 and adding up to 1.

    Args:
        elpd_i: (n, K) log predictive densities of left-out units under each model.
    """
    density = np.exp(elpd_i - elpd_i.max(axis=1, keepdims=True))
    n_models = density.shape[1]
    loss = lambda w: -np.mean(np.log(density @ w))  # noqa: E731
    gradient = lambda w: -np.mean(density / (density @ w)[:, None], axis=0)  # noqa: E731
    found = minimize(
        loss,
        np.full(n_models, 1.0 / n_models),
        jac=gradient,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * n_models,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: np.ones(n_models)},
        options={"ftol": TOLERANCE, "maxiter": 1000},
    )
    weights = np.clip(found.x, 0.0, None)
    return weights / weights.sum()
