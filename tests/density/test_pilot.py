"""The pilot estimate is near the truth where there are many rows."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

import hmlm as hm
from hmlm.density.pilot import Pilot, fit_pilot
from hmlm.density.start import block_covariance

N_GROUPS, PER_GROUP = 150, 40
GROUP = np.repeat(np.arange(N_GROUPS), PER_GROUP)
COVARIANCE = np.array([[0.64, 0.2], [0.2, 0.25]])


def effects_and_noise(seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    u = rng.multivariate_normal(np.zeros(2), COVARIANCE, N_GROUPS)
    return rng, u[GROUP].T, rng.normal(size=len(GROUP))


def fitted(formula, data: pd.DataFrame) -> tuple[hm.Model, Pilot]:
    model = hm.model(formula, data)
    return model, fit_pilot(model.spec, model.design)


def test_varying_slopes():
    rng, (level, slope), noise = effects_and_noise(1)
    x = rng.normal(size=len(GROUP))
    y = 3.0 + level + (0.5 + slope) * x + 1.5 * noise
    model, pilot = fitted(hm.bf("y ~ x + (1 + x | g)"), pd.DataFrame({"y": y, "x": x, "g": GROUP}))
    np.testing.assert_allclose(pilot.working[0].beta, [3.0 + 0.5 * x.mean(), 0.5], atol=0.2)
    np.testing.assert_allclose(pilot.sigma, 1.5, rtol=0.03)
    np.testing.assert_allclose(block_covariance(model.spec, pilot, 0), COVARIANCE, atol=0.15)


def test_location_and_scale():
    rng, (level, scale), noise = effects_and_noise(2)
    x = rng.normal(size=len(GROUP))
    y = 1.0 + level + 0.4 * x + np.exp(-0.3 + 0.2 * x + scale) * noise
    formula = hm.bf("y ~ x + (1 |c| g)", sigma="~ x + (1 |c| g)")
    model, pilot = fitted(formula, pd.DataFrame({"y": y, "x": x, "g": GROUP}))
    location, log_scale = pilot.working
    np.testing.assert_allclose(location.beta, [1.0 + 0.4 * x.mean(), 0.4], atol=0.2)
    np.testing.assert_allclose(log_scale.beta, [-0.3 + 0.2 * x.mean(), 0.2], atol=0.15)
    # The factor's order is [scale; location].
    np.testing.assert_allclose(block_covariance(model.spec, pilot, 0), COVARIANCE[::-1, ::-1], atol=0.15)


def test_residual_correlation():
    rng, (level, other), _ = effects_and_noise(3)
    noise = rng.multivariate_normal(np.zeros(2), [[1.0, 0.6], [0.6, 1.0]], len(GROUP)).T
    data = pd.DataFrame({"y": level + noise[0], "v": 2.0 + other + 3.0 * noise[1], "g": GROUP})
    _, pilot = fitted(["y ~ (1 |c| g)", "v ~ (1 |c| g)", hm.set_rescor()], data)
    np.testing.assert_allclose(pilot.sigma, [1.0, 3.0], rtol=0.03)
    assert pilot.rescor[0, 1] == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "negbinomial"])
def test_rare_outcomes(family):
    """One in a hundred: the step of such a row is large, and balances those of the others."""
    rng = np.random.default_rng(0)
    g, x = np.repeat(np.arange(100), 40), rng.normal(size=4000)
    eta = -4.5 + 0.5 * x + 0.7 * rng.normal(size=100)[g]
    y = rng.binomial(1, special.expit(eta)) if family == "bernoulli" else rng.poisson(np.exp(eta))
    model = hm.model("y ~ x + (1 | g)", pd.DataFrame({"y": y, "x": x, "g": g}), family=family)
    start = model.log_density.constrain(model.log_density.initial[None])
    assert start["b_Intercept"][0] == pytest.approx(-4.5, abs=0.5)
    assert start["b_x"][0] == pytest.approx(0.5, abs=0.3)


def test_counts_that_are_nearly_all_one():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"y": np.repeat([0, 1, 2, 3, 4], [56, 53, 9, 1, 1]), "x": rng.normal(size=120)})
    model = hm.model("y ~ x", table, family="hurdle_poisson")
    start = model.log_density.constrain(model.log_density.initial[None])
    assert -2.0 < start["b_Intercept"][0] < 0.0
