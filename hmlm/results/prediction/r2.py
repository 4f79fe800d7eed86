"""Bayesian R squared: the share of the variance of the outcomes that their expected values have.

References:
    Gelman, Goodrich, Gabry & Vehtari (2019), doi:10.1080/00031305.2018.1549100
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.prediction.prediction import Prediction
from hmlm.results.table import estimates

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


class Moments(NamedTuple):
    """Number of values, their mean and their sum of squared deviations."""

    n: int
    mean: np.ndarray
    square: np.ndarray

    def and_those_of(self, values: np.ndarray) -> Moments:
        """With (M, R, S) values more, along R; means and squares are (M, S)."""
        n, mean = values.shape[1], values.mean(axis=1)
        square, difference = ((values - mean[:, None]) ** 2).sum(axis=1), mean - self.mean
        whole = self.n + n
        return Moments(
            whole,
            self.mean + difference * n / whole,
            self.square + square + difference**2 * self.n * n / whole,
        )


def bayes_r2(
    fit: Fit, *, summary: bool = True, prob: float = 0.95, **options: Any
) -> pd.DataFrame | xr.DataArray:
    """Share of each outcome's variance that its expected values have, draw by draw (brms's ``bayes_R2``).

    Args:
        summary: False gives the draws, dims ``(chain, draw)``, and ``resp`` for several outcomes.
        prob: probability of the interval.
        options: ``re_formula`` and ``resp`` as in :meth:`Fit.epred`.
    """
    expected = fit.prediction("epred", **options)
    shares = explained_shares(expected, np.stack([fit.observed[name].values for name in expected.outcomes]))
    if summary:
        several = len(expected.outcomes) > 1
        names = [f"R2{outcome}" if several else "R2" for outcome in expected.outcomes]
        return pd.DataFrame(estimates(shares[:, None], prob), index=names)
    draws = expected.by_draw(shares.T, ("resp",)).assign_coords(resp=list(expected.outcomes)).rename("R2")
    return draws.isel(resp=0, drop=True) if len(expected.outcomes) == 1 else draws


def explained_shares(expected: Prediction, observed: np.ndarray) -> np.ndarray:
    """(M, S) R squared of each outcome in each draw, from (M, N) outcomes, chunk by chunk."""
    nothing = np.zeros((len(observed), expected.draws.size))
    explained = left = Moments(0, nothing, nothing)
    for where, values in expected.chunks():
        explained = explained.and_those_of(values)
        left = left.and_those_of(observed[:, where, None] - values)
    return explained.square / (explained.square + left.square)
