"""The pilot's steps of thresholds end where the likelihood does, and keep their order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import hmlm as hm
from hmlm.density.pilot import fit_pilot
from hmlm.density.threshold_steps import threshold_step

from ..nights import by_night

CDFS = {"logit": stats.logistic, "probit": stats.norm, "cloglog": stats.gumbel_l}


@pytest.mark.parametrize("link", by_night(CDFS, "logit"))
def test_without_predictors_thresholds_end_at_the_shares(link):
    y = np.repeat(np.arange(5), [3, 40, 2, 25, 10])
    stated = hm.model("y ~ 1", pd.DataFrame({"y": y}), family=f"cumulative({link})")
    pilot = fit_pilot(stated.spec, stated.design)
    shares = np.cumsum(np.bincount(y))[:-1] / len(y)
    np.testing.assert_allclose(pilot.constants, CDFS[link].ppf(shares), atol=2e-3)


def test_a_step_keeps_half_of_every_gap():
    now = np.array([-1.0, 0.0, 0.1])
    moved = threshold_step(now, np.array([0.0, 400.0, -400.0]), 500.0 * np.eye(3))
    assert np.all(np.diff(moved) >= 0.5 * np.diff(now) - 1e-12)
    far = threshold_step(now, np.full(3, 1e6), np.eye(3))
    np.testing.assert_allclose(far - now, 0.7, rtol=1e-6)
