"""A table at a glance, as rethinking's ``precis``: mean, sd, quantiles and a histogram in text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hmlm.results.frame import as_frame
from hmlm.results.table import check_prob

BARS = "▁▂▃▅▇"
N_BINS = 10


def precis(data: Any, prob: float = 0.89) -> pd.DataFrame:
    """Each column's mean, standard deviation, equal-tailed quantiles and histogram.

    Args:
        data: a table: pandas, polars, PyArrow or a mapping of columns; ``fit.draws()`` too.
        prob: probability between the two quantiles.

    Returns:
        A row per column: ``mean``, ``sd``, ``5.5%``, ``94.5%`` and ``histogram``. Missing values are left
        out; columns that are not numbers (or true and false) have none of it.

    Raises:
        DataError: not a table; HmlmError: prob outside (0, 1).
    """
    check_prob(prob)
    frame = as_frame(data)
    tails = (0.5 - prob / 2, 0.5 + prob / 2)
    names = ["mean", "sd", *(f"{100 * tail:g}%" for tail in tails), "histogram"]
    rows = [_row(frame[name], tails) for name in frame.columns]
    return pd.DataFrame(rows, index=pd.Index(frame.columns, dtype=object), columns=names)


def _row(column: pd.Series, tails: tuple[float, float]) -> tuple[float, float, float, float, str]:
    values = _numbers(column)
    if not len(values):
        return (np.nan, np.nan, np.nan, np.nan, "")
    low, high = np.quantile(values, tails)
    sd = values.std(ddof=1) if len(values) > 1 else np.nan
    return (values.mean(), sd, low, high, histogram(values))


def _numbers(column: pd.Series) -> np.ndarray:
    """The finite values; none of a column of text or dates."""
    there = column.dropna().infer_objects()
    if not pd.api.types.is_numeric_dtype(there):
        return np.empty(0)
    values = there.to_numpy(dtype=float)
    return values[np.isfinite(values)]


def histogram(values: np.ndarray, n_bins: int = N_BINS) -> str:
    """Counts as bars of text, in bins with round ends as R's ``hist`` has them, about ``n_bins`` of them."""
    edges = round_edges(float(values.min()), float(values.max()), n_bins)
    counts = np.bincount(np.searchsorted(edges[1:-1], values - 1e-7 * (edges[1] - edges[0])))
    heights = np.ceil(len(BARS) * counts / counts.max()).astype(int)
    padded = np.pad(heights, (0, len(edges) - 1 - len(heights)))
    return "".join(BARS[max(height - 1, 0)] for height in padded)


def round_edges(low: float, high: float, n_bins: int) -> np.ndarray:
    """Ends of about ``n_bins`` equal bins over [low, high], multiples of 1, 2 or 5 times a power of ten.

    References:
        R's ``pretty``, after Becker, Chambers and Wilks (1988), The New S Language
    """
    if low == high:
        low, high = low - 0.5 * max(abs(low), 1.0), high + 0.5 * max(abs(high), 1.0)
    step = _round_step((high - low) / n_bins)
    first, last = np.floor(low / step + 1e-7), np.ceil(high / step - 1e-7)
    return step * np.arange(first, last + 1)


def _round_step(cell: float) -> float:
    """The round number next to ``cell``; of two, the larger where it is less than 2.5 times as far away.

    R's constants: a bias of 1.5 towards the larger, 2.75 for five.
    """
    base = 10.0 ** np.floor(np.log10(cell))
    unit = base
    for factor, bias in ((2, 1.5), (5, 2.75), (10, 1.5)):
        if factor * base - cell < bias * (cell - unit):
            unit = factor * base
    return unit
