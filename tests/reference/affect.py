"""Models 1 to 5 of the affect data, each fitted once in a session."""

from __future__ import annotations

from functools import cache

import hmlm as hm
from gpu_benchmarks.affect_models import FORMULAS, PRIORS
from hmlm.results.fit import Fit

SEED = 14


@cache
def fitted(name: str, chains: int, draws: int) -> Fit:
    """Model ``name`` with as many draws for warm-up as are kept."""
    return hm.fit(
        FORMULAS[name],
        hm.load_dataset("williams"),
        prior=PRIORS[name],
        chains=chains,
        warmup=draws,
        draws=draws,
        seed=SEED,
    )
