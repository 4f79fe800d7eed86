"""Speed dating as the arrays that a model by hand takes, and the names of what it estimates.

Decisions of 498 people about whom they met; the generalised model of *Mixed Models with R*.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gpu_benchmarks.dating_model import PERSON, SCORES, SPEED_DATING, TERMS

USED = ("decision", "sex", "samerace", *SCORES, PERSON)

Arrays = dict[str, np.ndarray]


def dating_table() -> pd.DataFrame:
    """The complete rows of the columns that the model uses, categories as text.

    Raises:
        hmlm.types.DataError: the published data cannot be had.
    """
    import hmlm as hm

    table = hm.load_dataset(SPEED_DATING)[list(USED)].dropna().reset_index(drop=True)
    return table.astype(dict.fromkeys(("decision", "sex", "samerace"), str))


def columns(table: pd.DataFrame) -> np.ndarray:
    """(N, 5) population-level columns, in the order of :data:`TERMS`."""
    dummies = [table["sex"] == "Male", table["samerace"] == "Yes"]
    return np.stack([*dummies, *(table[name] for name in SCORES)], axis=-1).astype(float)


def arrays(table: pd.DataFrame) -> Arrays:
    """What the program takes: ``person`` (N,), ``y`` (N,) 0 or 1, ``X`` (N, 5) centred."""
    X = columns(table)
    return {
        "person": np.unique(table[PERSON], return_inverse=True)[1].astype(np.int32),
        "y": (table["decision"] == "Yes").to_numpy(dtype=np.int32),
        "X": X - X.mean(0),
    }


def good_start(data: Mapping[str, np.ndarray]) -> Arrays:
    """The log odds of a yes, and nothing else that is known."""
    share = data["y"].mean()
    return {
        "Intercept": np.log(share / (1 - share)),
        "b": np.zeros(len(TERMS)),
        "sd": np.array(1.0),
        "z": np.zeros(data["person"].max() + 1),
    }


def named(table: pd.DataFrame, draws: Mapping[str, np.ndarray]) -> Arrays:
    """Population-level draws under the names that hmlm and brms give them, whatever their leading axes."""
    b, means = np.asarray(draws["b"]), columns(table).mean(0)
    slopes = {f"b_{name}": b[..., k] for k, name in enumerate(TERMS)}
    intercept = np.asarray(draws["Intercept"]) - b @ means
    return {"b_Intercept": intercept, **slopes, f"sd_{PERSON}__Intercept": np.asarray(draws["sd"])}
