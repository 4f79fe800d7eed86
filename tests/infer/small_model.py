"""A model that compiles and samples in seconds."""

from __future__ import annotations

import numpy as np
import pandas as pd

import hmlm as hm

PRIORS = """c(prior(normal(0, 2), class = b), prior(exponential(1), class = sd),
           prior(exponential(1), class = sigma))"""


def table(seed: int = 0, shift: float = 0.0) -> pd.DataFrame:
    """40 rows of 8 groups."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(8), 5)
    x = rng.normal(size=40)
    y = 1.0 + shift + 0.5 * x + rng.normal(size=8)[group] + 0.5 * rng.normal(size=40)
    return pd.DataFrame({"y": y, "x": x, "g": [f"level{shift:g}-{j}" for j in group]})


def small_model(seed: int = 0, shift: float = 0.0) -> hm.Model:
    """A varying intercept with priors that do not depend on the data."""
    prior = [hm.prior("normal(0, 5)", "Intercept"), *_priors()]
    return hm.model("y ~ 1 + x + (1 | g)", table(seed, shift), prior=prior)


def _priors() -> tuple:
    from hmlm.spec.prior import as_priors

    return as_priors(PRIORS)
