"""The table of the affect models: the published one, or a simulated one of any size."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

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


def described(source: str, table: pd.DataFrame) -> str:
    """One phrase for titles."""
    return f"{source}, {len(table)} rows, {table['id'].nunique()} people"


def write_table(table: pd.DataFrame, path: Path) -> None:
    """The numeric table as the npz file that every engine's process reads."""
    np.savez(path, **{str(name): column.to_numpy() for name, column in table.items()})


def read_table(path: Path) -> pd.DataFrame:
    """What :func:`write_table` wrote, to the last bit; imports nothing of any engine."""
    with np.load(path) as file:
        return pd.DataFrame({name: file[name] for name in file.files})
