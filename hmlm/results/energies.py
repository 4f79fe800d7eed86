"""E-BFMI: whether momenta drawn anew carry the sampler through the energies that the posterior has."""

from __future__ import annotations

import numpy as np

LOW_BFMI = 0.3


def bfmi(energy: np.ndarray) -> np.ndarray:
    """(C,) energy Bayesian fraction of missing information of energies (C, S).

    ``E[(E_n - E_(n-1))^2] / Var[E]``; NaN for a chain of one draw or one energy.

    References:
        Betancourt (2016), arXiv:1604.00695
    """
    if energy.shape[1] < 2:
        return np.full(len(energy), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.diff(energy, axis=1) ** 2).mean(axis=1) / energy.var(axis=1)


def pooled_bfmi(energy: np.ndarray) -> np.ndarray:
    """(1,) the same of all chains together, for chains too short to have one each."""
    if energy.shape[1] < 2:
        return np.full(1, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array([(np.diff(energy, axis=1) ** 2).mean() / energy.var()])
