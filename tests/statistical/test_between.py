"""Coefficients of standard deviations between groups are recovered, in a few seconds of sampling."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm

pytestmark = pytest.mark.nightly

TRUTH = {"b_sd_id_age": 0.6, "b_sd_id_sexm": -0.5, "sd_id__Intercept": 0.8, "b_x": 0.5, "sigma": 0.5}
MOST = 3.5  # posterior standard deviations from the truth


def simulated(levels: int = 400, rows: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(levels), rows)
    age, sex = rng.normal(50, 1, levels), np.arange(levels) % 2
    deviations = np.stack([age - age.mean(), sex - sex.mean()])
    sd = 0.8 * np.exp(np.array([0.6, -0.5]) @ deviations)
    u, x = sd * rng.normal(size=levels), rng.normal(size=len(g))
    y = 1.0 + 0.5 * x + u[g] + 0.5 * rng.normal(size=len(g))
    return pd.DataFrame({"id": g, "age": age[g], "sex": np.array(["f", "m"])[sex[g]], "x": x, "y": y})


@pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # few draws, none of which is reported
@pytest.mark.parametrize("density", ["auto", "informed"])
def test_simulated_data_recover_their_parameters(density):
    formula = hm.bf("y ~ x + (1 | id)", sd={"id": "~ age + sex"})
    fit = hm.fit(formula, simulated(), density=density, chains=2, warmup=500, draws=1000, seed=1)
    for name, truth in TRUTH.items():
        draws = fit.posterior[name]
        assert abs(float(draws.mean()) - truth) < MOST * float(draws.std()), name
    assert float(fit.posterior["b_sd_id_age"].std()) < 0.1
