"""Small fits that figures are drawn from, one of each kind for the whole run."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.datasets import simulate_cafes
from hmlm.types import SamplingWarning

RUN = {"chains": 2, "warmup": 100, "draws": 60, "seed": 3}


def short_fit(formula, table: pd.DataFrame, **arguments):
    """A fit too short to be trusted: figures show the draws that there are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        return hm.fit(formula, table, **RUN, **arguments)


@pytest.fixture(scope="session")
def cafes():
    formula = hm.bf("wait ~ 1 + afternoon + (1 + afternoon | cafe)", center=False)
    return short_fit(formula, simulate_cafes(5, n_cafes=12, n_visits=8))


@pytest.fixture(scope="session")
def melsm():
    """48 people, whose levels are more than can all be named."""
    rng = np.random.default_rng(4)
    people = np.repeat(np.arange(48), 6)
    z = rng.normal(size=(48, 2)) @ np.array([[1.0, -0.3], [0.0, 0.4]])
    x = rng.normal(size=len(people))
    y = z[people, 0] + 0.4 * x + np.exp(z[people, 1] - 0.5) * rng.normal(size=len(people))
    table = pd.DataFrame({"id": [f"p{i}" for i in people], "x.z": x, "y.z": y})
    return short_fit(hm.bf("y.z ~ x.z + (1 | c | id)", sigma="~ x.z + (1 | c | id)"), table)


@pytest.fixture(scope="session")
def crossed():
    """Two outcomes and two factors; one level has a single row."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"a": np.arange(60) % 6, "b": np.arange(60) // 10, "x": rng.normal(size=60)})
    table.loc[0, "a"] = 6
    table["u"] = 0.5 * table["x"] + 0.3 * table["a"] + rng.normal(size=60)
    table["v"] = 0.4 * table["b"] + rng.normal(size=60)
    formula = hm.bf("u ~ x + (1 + x || a) + (1 | b)") + hm.bf("v ~ 1 + (1 | b)") + hm.set_rescor(True)
    return short_fit(formula, table, prior="prior(exponential(1), class = sd, resp = u)")


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
