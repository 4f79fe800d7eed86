"""Waiting times in cafés, mornings and afternoons: McElreath's example of correlated varying slopes."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pandas as pd

from hmlm.datasets.effects import group_effects
from hmlm.types import DataError

CAFES_FORMULA = "wait ~ 1 + afternoon + (1 + afternoon | cafe)"

CAFES_TRUTH = MappingProxyType(
    {
        "b_Intercept": 3.5,
        "b_afternoon": -1.0,
        "sd_cafe__Intercept": 1.0,
        "sd_cafe__afternoon": 0.5,
        "cor_cafe__Intercept__afternoon": -0.7,
        "sigma": 0.5,
    }
)


def simulate_cafes(seed: int, n_cafes: int = 20, n_visits: int = 20) -> pd.DataFrame:
    """Waiting times in ``n_cafes`` cafés, visited by turns in the morning and in the afternoon.

    Args:
        seed: of the random numbers; the same seed gives the same table.
        n_cafes: cafés.
        n_visits: visits to each café.

    Returns:
        Columns ``cafe`` (from 1), ``afternoon`` (0 or 1), ``wait``; ``attrs["truth"]`` holds the true
        values under the names of the draws of :data:`CAFES_FORMULA`.
    """
    if n_cafes < 2 or n_visits < 2:
        raise DataError(f"simulate_cafes: needs two cafés and two visits, got {n_cafes} and {n_visits}")
    rng = np.random.default_rng(seed)
    effects = group_effects(rng, CAFES_TRUTH, "cafe", ("Intercept", "afternoon"), n_cafes)
    cafe = np.repeat(np.arange(n_cafes), n_visits)
    afternoon = np.tile(np.arange(n_visits) % 2, n_cafes)
    intercept = CAFES_TRUTH["b_Intercept"] + effects[cafe, 0]
    slope = CAFES_TRUTH["b_afternoon"] + effects[cafe, 1]
    wait = rng.normal(intercept + slope * afternoon, CAFES_TRUTH["sigma"])
    table = pd.DataFrame({"cafe": cafe + 1, "afternoon": afternoon, "wait": wait})
    table.attrs["truth"] = dict(CAFES_TRUTH)
    return table
