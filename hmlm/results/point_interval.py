"""Point estimates with intervals of tidy draws, grouped: tidybayes's ``mean_qi`` and ``median_hdi``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from hmlm.results.frame import as_frame
from hmlm.results.tidy_draws import DRAW_COLUMNS
from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError

Names = str | Sequence[str] | None
Statistic = Callable[[np.ndarray], float]
Interval = Callable[[np.ndarray, float], tuple[float, float]]


def quantile_interval(values: np.ndarray, width: float) -> tuple[float, float]:
    """The equal-tailed interval of draws (n,)."""
    low, high = np.quantile(values, [0.5 - width / 2, 0.5 + width / 2])
    return float(low), float(high)


def narrowest_interval(values: np.ndarray, width: float) -> tuple[float, float]:
    """The narrowest single interval that holds the share ``width`` of draws (n,): tidybayes's ``hdci``."""
    ordered = np.sort(values)
    n_inside = max(int(np.ceil(width * len(ordered) - 1e-9)), 1)
    widths = ordered[n_inside - 1 :] - ordered[: len(ordered) - n_inside + 1]
    first = int(np.argmin(widths))
    return float(ordered[first]), float(ordered[first + n_inside - 1])


POINTS: dict[str, Statistic] = {"mean": np.mean, "median": np.median}
INTERVALS: dict[str, Interval] = {"qi": quantile_interval, "hdi": narrowest_interval}


@dataclass(frozen=True)
class PointInterval:
    """A summary of tidy draws by one point and one interval; called as a function.

    Attributes:
        point: ``"mean"`` or ``"median"``.
        interval: ``"qi"`` (equal tails) or ``"hdi"`` (the narrowest).
    """

    point: str
    interval: str

    def __call__(
        self, data, *columns: str, by: Names = None, width: float | Sequence[float] = 0.95
    ) -> pd.DataFrame:
        """Summarise columns within groups.

        Args:
            data: a table of draws, of ``fit.gather_draws`` or ``fit.spread_draws`` or your own.
            columns: what to summarise; by default every column of floating-point numbers.
            by: the columns that form groups; by default all others, so ``.variable`` and indices such as
                ``id``. ``.chain``, ``.iteration`` and ``.draw`` form none.
            width: probability of the interval, or several.

        Returns:
            A row per width and group: its keys, the point under the column's own name, ``.lower``, ``.upper``
            (``x.lower``, ``x.upper`` where several columns are summarised), ``.width``, ``.point``,
            ``.interval``. A group with a missing value is missing.

        Raises:
            HmlmError: unknown columns, nothing to summarise, or a width outside (0, 1).
        """
        frame = as_frame(data)
        values, groups = _roles(frame, list(columns), by)
        summarise = partial(_summary, point=POINTS[self.point], interval=INTERVALS[self.interval])
        pieces = list(_pieces(frame, groups))
        rows = [
            {**keys, **summarise(piece[values], width=one), ".width": one}
            for one in _widths(width)
            for keys, piece in pieces
        ]
        out = pd.DataFrame(rows).assign(**{".point": self.point, ".interval": self.interval})
        return out.astype({name: frame[name].dtype for name in groups})


mean_qi = PointInterval("mean", "qi")
median_qi = PointInterval("median", "qi")
mean_hdi = PointInterval("mean", "hdi")
median_hdi = PointInterval("median", "hdi")


def _summary(piece: pd.DataFrame, width: float, point: Statistic, interval: Interval) -> dict[str, float]:
    lone = piece.shape[1] == 1
    out: dict[str, float] = {}
    for name, column in piece.items():
        values = column.to_numpy(dtype=float)
        usable = not np.isnan(values).any()
        low, high = interval(values, width) if usable else (np.nan, np.nan)
        prefix = "" if lone else name
        out |= {name: point(values), f"{prefix}.lower": low, f"{prefix}.upper": high}
    return out


def _roles(frame: pd.DataFrame, columns: list[str], by: Names) -> tuple[list[str], list[str]]:
    """The columns to summarise and those that form groups."""
    wanted = [by] if isinstance(by, str) else list(by or [])
    for name in (*columns, *wanted):
        if name not in frame.columns:
            raise HmlmError(f"no column {name!r}{did_you_mean(str(name), map(str, frame.columns))}")
    free = [name for name in frame.columns if name not in DRAW_COLUMNS]
    floats = [name for name in free if pd.api.types.is_float_dtype(frame[name]) and name not in wanted]
    values = columns or floats
    if not values or not len(frame):
        raise HmlmError(
            "nothing to summarise: the table needs rows and a column of numbers with a decimal point"
        )
    groups = wanted if by is not None else [name for name in free if name not in (*floats, *values)]
    return values, groups


def _pieces(frame: pd.DataFrame, groups: list[str]) -> Iterator[tuple[dict, pd.DataFrame]]:
    if not groups:
        yield {}, frame
        return
    for keys, piece in frame.groupby(groups, sort=False, observed=True, dropna=False):
        yield dict(zip(groups, keys, strict=True)), piece


def _widths(width: float | Sequence[float]) -> list[float]:
    widths = [float(one) for one in np.atleast_1d(width)]
    for one in widths:
        if not 0 < one < 1:
            raise HmlmError(
                f"width = {one}: an interval's probability lies between 0 and 1, say width = 0.95"
            )
    return widths
