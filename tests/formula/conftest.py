"""A small table with every kind of column, and the published data sets."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def table() -> pd.DataFrame:
    """24 rows: numbers, text, true/false, categories, and grouping columns of 3 and 2 x 3 levels."""
    rng = np.random.default_rng(1)
    n = 24
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "y.2": rng.normal(size=n),
            "x": rng.normal(size=n),
            "steps.pm": rng.uniform(1, 9, size=n),
            "year": np.tile([1999, 2003, 2007], 8),
            "sex": np.tile(["Male", "Female"], 12),
            "ward": np.repeat(["b", "B", "a", "c d"], 6),
            "flag": np.tile([True, True, False], 8),
            "dose": pd.Categorical(
                np.repeat(["low", "high"], 12), categories=["none", "low", "high"], ordered=False
            ),
            "g": np.repeat([10, 9, 2], 8),
            "h": np.tile([1, 2, 1, 3], 6),
        }
    )


@pytest.fixture(scope="session")
def published():
    """A function that reads one of the published data sets by name."""
    folder = os.environ.get("HMLM_DATA_DIR")
    if not folder:
        pytest.skip("HMLM_DATA_DIR is not set")
    return lambda name: pd.read_csv(Path(folder) / f"{name}.csv")
