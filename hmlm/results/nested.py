"""Nested R-hat: whether many short chains agree, by superchains, groups of chains with a common start.

With chain means ``m_kc`` and variances ``s_kc^2`` of superchain k,

    nested R-hat = sqrt(1 + B / W),  B = var_k(mean_c m_kc),  W = mean_k(var_c(m_kc) + mean_c(s_kc^2))

of rank-normalised draws, halves of a chain counting as chains of its superchain; the larger of that of the
draws and that of their distances from the median. At convergence it is about ``sqrt(1 + K / ESS)``: 1.01 with
an ESS of 50 in each of the K superchains, as split R-hat with 50 in each half of a chain.

References:
    Margossian et al. (2024), doi:10.1214/24-BA1453
    Vehtari et al. (2021), doi:10.1214/20-BA1221: ranks, halves, distances from the median
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import rankdata

from hmlm.infer.superchains import superchain_index
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

MIN_DRAWS = 4


def nested_rhat(fit: Fit, superchains: int | Sequence[int] | None = None) -> pd.Series:
    """Nested R-hat of each parameter of the summary: at most 1.01 where many short chains agree.

    A fit of 32 chains or more has started them in superchains and shows it in the column ``Rhat`` already.

    Args:
        superchains: which chains started together: a number K, where chains 1, K + 1, 2 K + 1, … did, or for
            each chain the superchain it belongs to; None takes what the run did.

    Raises:
        HmlmError: the run's chains started each for itself, or these are not two superchains of two chains
            each at least.

    References:
        Margossian et al. (2024), doi:10.1214/24-BA1453
    """
    from hmlm.results.table import labels

    index = _index(fit.values.shape[1], fit.info.superchains if superchains is None else superchains)
    return pd.Series(nested_rhats(fit.values, index), labels(fit.info.rows), name="nested R-hat")


def nested_rhats(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(P,) nested R-hat of draws (P, C, S), chain c in superchain ``index[c]``; NaN for constant ones."""
    if values.shape[2] < MIN_DRAWS:
        return np.full(len(values), np.nan)
    twice = np.concatenate([index, index])
    members = [np.flatnonzero(twice == k) for k in np.unique(index)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array([_larger(_halves(draws), members) for draws in values])


def _larger(halves: np.ndarray, members: list[np.ndarray]) -> float:
    """Of the draws of one parameter and of their distances from the median."""
    distances = np.abs(halves - np.median(halves))
    return np.maximum(_nested(_normal(halves), members), _nested(_normal(distances), members))


def _nested(values: np.ndarray, members: list[np.ndarray]) -> float:
    """The formula above, of any numbers of chains per superchain."""
    means, variances = values.mean(axis=1), values.var(axis=1, ddof=1)
    centres = [means[chains].mean() for chains in members]
    within = [means[chains].var(ddof=1) + variances[chains].mean() for chains in members]
    return np.sqrt(1 + np.var(centres, ddof=1) / np.mean(within))


def _halves(draws: np.ndarray) -> np.ndarray:
    """(2 C, S // 2): all first halves of (C, S) draws, then all second ones."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _normal(values: np.ndarray) -> np.ndarray:
    """Ranks among all draws as normal scores."""
    return ndtri((rankdata(values, axis=None) - 0.375) / (values.size + 0.25)).reshape(values.shape)


def _index(chains: int, superchains: int | Sequence[int]) -> np.ndarray:
    if isinstance(superchains, int | np.integer):
        return _by_turns(chains, int(superchains))
    index = np.asarray(superchains)
    if index.shape != (chains,):
        raise HmlmError(f"superchains= names {index.size} chains, and the fit has {chains}: one number each")
    sizes = np.unique(index, return_counts=True)[1]
    if len(sizes) < 2 or sizes.min() < 2:
        raise HmlmError("superchains=: two of them at least, each with two chains at least")
    return index


def _by_turns(chains: int, superchains: int) -> np.ndarray:
    if superchains == 0:
        raise HmlmError(
            "the chains of this fit started each for itself, for which R-hat of fit.summary() is made; if "
            "some did start together, say which: superchains=[1, 1, 2, 2]"
        )
    if not 2 <= superchains <= chains // 2:
        raise HmlmError(f"superchains={superchains}: of {chains} chains there can be 2 to {chains // 2}")
    return superchain_index(chains, superchains)
