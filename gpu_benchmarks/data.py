"""The tables of the models: the affect data, published or simulated at any size, and speed dating."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from gpu_benchmarks.dating import dating_table
from gpu_benchmarks.dating_model import PERSON, SPEED_DATING
from gpu_benchmarks.sizes import PUBLISHED

SIMULATED = re.compile(r"simulated:(\d+)x(\d+)")


def affect_table(source: str) -> pd.DataFrame:
    """The table that ``source`` names.

    Args:
        source: ``"williams"``, the published data; or ``"simulated:60x40"``, 60 people and 40 days.

    Raises:
        ValueError: neither of these.
        hmlm.types.DataError: the published data cannot be had.
    """
    import hmlm as hm
    from hmlm.datasets.affect import simulate_affect

    if source == PUBLISHED:
        return hm.load_dataset(PUBLISHED)
    match = SIMULATED.fullmatch(source)
    if match is None:
        raise ValueError(f"{source!r}: choose {PUBLISHED!r} or 'simulated:PEOPLExDAYS'")
    return simulate_affect(int(match[1]), int(match[2]))


def source_of(model: str, source: str) -> str:
    """Where the table of a model comes from: ``source`` is that of the affect models."""
    return SPEED_DATING if model == SPEED_DATING else source


def table_from(source: str) -> pd.DataFrame:
    """The table that :func:`source_of` names."""
    return dating_table() if source == SPEED_DATING else affect_table(source)


def described(source: str, table: pd.DataFrame) -> str:
    """One phrase for titles."""
    people = table[PERSON if source == SPEED_DATING else "id"].nunique()
    return f"{source}, {len(table)} rows, {people} people"


def write_table(table: pd.DataFrame, path: Path) -> None:
    """The table of numbers and text as the npz file that every engine's process reads."""
    np.savez(path, **{str(name): plain(column) for name, column in table.items()})


def plain(column: pd.Series) -> np.ndarray:
    """(N,) numbers, or text of one width, which needs no pickle."""
    return column.to_numpy() if pd.api.types.is_numeric_dtype(column) else column.to_numpy(dtype=str)


def read_table(path: Path) -> pd.DataFrame:
    """What :func:`write_table` wrote, to the last bit; imports nothing of any engine."""
    with np.load(path) as file:
        return pd.DataFrame({name: file[name] for name in file.files})
