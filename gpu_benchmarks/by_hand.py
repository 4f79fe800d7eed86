"""Every model by hand in NumPyro with its data, its starting values and the names of its draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from gpu_benchmarks import affect_data, dating
from gpu_benchmarks.affect_data import COLUMNS
from gpu_benchmarks.affect_numpyro import PROGRAMS, estimates
from gpu_benchmarks.dating_numpyro import speed_dating

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class ByHand:
    """A program of one table.

    Attributes:
        program: takes ``data`` by keyword.
        data: arrays.
        start: a value of every site.
        named: draws of the sites with any leading axes -> population-level draws by hmlm's names.
    """

    program: Callable[..., None]
    data: dict[str, np.ndarray]
    start: dict[str, np.ndarray]
    named: Callable[[Arrays], Arrays]


def affect(name: str, table: pd.DataFrame) -> ByHand:
    """One of models 1 to 5."""
    columns = COLUMNS[name]
    data = affect_data.arrays(columns, table)
    return ByHand(
        partial(PROGRAMS[name], n_people(data)),
        data,
        affect_data.good_start(columns, data),
        lambda draws: affect_data.named(columns, table, estimates(draws)),
    )


def dates(table: pd.DataFrame) -> ByHand:
    """Speed dating."""
    data = dating.arrays(table)
    return ByHand(
        partial(speed_dating, n_people(data)), data, dating.good_start(data), partial(dating.named, table)
    )


def n_people(data: Arrays) -> int:
    """From the indices of the rows' people."""
    return int(data["person"].max()) + 1


MODELS_BY_HAND: Mapping[str, Callable[[pd.DataFrame], ByHand]] = {
    **{name: partial(affect, name) for name in PROGRAMS},
    dating.SPEED_DATING: dates,
}
