"""The summary's numbers: estimates, intervals and convergence, one row per parameter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hmlm.results.convergence import Convergence
from hmlm.results.info import FitInfo, Row
from hmlm.types import HmlmError

ESS_COLUMNS = ("Bulk_ESS", "Tail_ESS")


def labels(rows: Sequence[Row]) -> list[str]:
    """brms's labels, prefixed ``"id: "`` where two factors would share one."""
    uses = Counter(row.label for row in rows if row.section == "group")
    return [f"{row.group}: {row.label}" if row.group and uses[row.label] > 1 else row.label for row in rows]


def estimates(draws: np.ndarray, prob: float) -> dict[str, np.ndarray]:
    """Mean, standard deviation and equal-tailed interval of draws ``(P, C, S)``, as columns."""
    check_prob(prob)
    n_chains, n_draws = draws.shape[1:]
    flat = draws.reshape(len(draws), n_chains * n_draws)
    with np.errstate(invalid="ignore"):
        low, high = _limits(flat, prob)
        mean, error = flat.mean(axis=1), _error(flat)
    return interval_columns(mean, error, low, high, prob)


def _limits(flat: np.ndarray, prob: float) -> np.ndarray:
    """(2, P) quantiles; NaN for a single draw, which has no interval."""
    if flat.shape[1] == 1:
        return np.full((2, len(flat)), np.nan)
    bounds = [0.5 - prob / 2, 0.5 + prob / 2]
    limits = [np.quantile(one, bounds) for one in flat]  # one at a time: each takes a copy of its draws
    return np.reshape(limits, (-1, 2)).T


def interval_columns(
    values: np.ndarray, errors: np.ndarray, low: np.ndarray, high: np.ndarray, prob: float
) -> dict[str, np.ndarray]:
    """The columns of estimates, their errors and intervals."""
    percent = f"{100 * prob:g}% CI"
    return {"Estimate": values, "Est.Error": errors, f"l-{percent}": low, f"u-{percent}": high}


def interval_limits(frame: pd.DataFrame) -> tuple[str, str]:
    """Names of the columns of an interval's limits in a table of :func:`interval_columns`."""
    low, high = [name for name in frame.columns if str(name).endswith("% CI")]
    return low, high


def _error(flat: np.ndarray) -> np.ndarray:
    """(P,) standard deviation of draws (P, n); NaN for a single draw."""
    if flat.shape[1] < 2:
        return np.full(len(flat), np.nan)
    return np.array([one.std(ddof=1) for one in flat])


def check_prob(prob: float) -> None:
    """Refuse a probability of intervals outside (0, 1)."""
    if not 0 < prob < 1:
        raise HmlmError(f"prob = {prob}: an interval's probability lies between 0 and 1, say prob = 0.95")


def table(values: np.ndarray, names: Sequence[str], found: Convergence, prob: float) -> pd.DataFrame:
    """The summary of draws ``(P, C, S)`` with its convergence, indexed by names."""
    columns = estimates(values, prob)
    checks = {"Rhat": found.rhat, "Bulk_ESS": found.bulk, "Tail_ESS": found.tail}
    return pd.DataFrame({**columns, **checks}, index=pd.Index(names, dtype=object))


def rounded(frame: pd.DataFrame, digits: int) -> pd.DataFrame:
    """Numbers rounded to ``digits``, effective sample sizes to whole draws."""
    return frame.round({name: 0 if name in ESS_COLUMNS else digits for name in frame.columns})


def seconds_of(info: FitInfo) -> float:
    """Wall-clock seconds of all phases; NaN where none was recorded."""
    return sum(seconds for _, seconds in info.seconds) or float("nan")
