"""Fits with a monotonic effect: it is found, predicts, is saved and shown."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import hmlm as hm

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # few draws
SHARES = np.array([0.6, 0.1, 0.3])
SLOPE = 0.8


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    n = 240
    x, z, g = rng.permutation(np.arange(n) % 4), rng.normal(size=n), np.arange(n) % 12
    steps = np.r_[0.0, np.cumsum(SHARES)]
    y = 1.0 + 3 * SLOPE * steps[x] + 0.3 * z + rng.normal(0, 0.5, 12)[g] + rng.normal(0, 0.4, n)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": g})


@pytest.fixture(scope="module")
def fit(data):
    return hm.model("y ~ mo(x) + z + (1 | g)", data).fit(chains=2, warmup=300, draws=200, seed=2)


def shares(fit):
    return np.stack([fit.posterior[f"simo_mox1[{k}]"].values for k in (1, 2, 3)], axis=-1)


def test_what_was_simulated_is_found(fit):
    b = fit.posterior["bsp_mox"].values
    assert abs(b.mean() - SLOPE) < 4 * b.std()
    zeta = shares(fit)
    assert_allclose(zeta.sum(-1), 1.0)
    assert (zeta > 0).all()
    assert (np.abs(zeta.mean((0, 1)) - SHARES) < 4 * zeta.std((0, 1))).all()


def test_predictions_are_the_formula(fit):
    rows = pd.DataFrame({"x": [0, 2, 3], "z": 0.5})
    predicted = fit.epred(rows, re_formula="NA").values
    p, zeta = fit.posterior, shares(fit)
    steps = np.stack([0 * zeta[..., 0], zeta[..., 0] + zeta[..., 1], np.ones(zeta.shape[:2])], axis=-1)
    base = p["b_Intercept"].values + 0.5 * p["b_z"].values
    assert_allclose(predicted, base[..., None] + 3 * p["bsp_mox"].values[..., None] * steps)


def test_printed_as_brms_does(fit):
    text = str(fit)
    assert "Monotonic Simplex Parameters:\n" in text
    assert "\nmox1[3]" in text
    assert text.index("\nmox ") < text.index("Monotonic")
    assert list(fit.fixef().index) == ["Intercept", "z", "mox"]


def test_along_its_levels(fit):
    effects = fit.conditional_effects()
    assert list(effects["x"]["x"]) == [0, 1, 2, 3]
    assert (np.diff(effects["x"]["Estimate"]) > 0).all()
    assert len(effects["z"]) > 10


def test_coefficients_of_levels(fit):
    assert set(fit.coef()["g"]["term"]) == {"Intercept", "z"}


def test_saved(fit, tmp_path, data):
    fit.save(tmp_path / "fit.nc")
    loaded = hm.load_fit(tmp_path / "fit.nc")
    assert str(loaded) == str(fit)
    assert_allclose(loaded.epred(data.head()).values, fit.epred(data.head()).values)
    assert_allclose(loaded.log_lik().values, fit.log_lik().values, rtol=1e-6)


@pytest.mark.nightly
def test_priors_are_drawn_and_weighed(data, fit):
    priors = [hm.prior("normal(0, 1)"), hm.prior("dirichlet(c(4, 1, 1))", class_="simo", coef="mox1")]
    drawn = hm.model("y ~ mo(x) + z + (1 | g)", data, prior=priors).sample_prior(draws=400, seed=1).posterior
    assert_allclose(drawn["simo_mox1[1]"].mean(), 4 / 6, atol=0.05)
    assert_allclose(sum(drawn[f"simo_mox1[{k}]"] for k in (1, 2, 3)), 1.0)
    with pytest.raises(hm.PriorError, match=r"bsp_mox"):
        hm.model("y ~ mo(x)", data).sample_prior()
    assert_allclose(fit.log_prior()["simo_mox1"], 0.0)


@pytest.mark.nightly
def test_levels_of_sigma(data):
    stated = hm.model(hm.bf("y ~ z", sigma="~ 0 + mo(x)"), data)
    fit = stated.fit(chains=1, warmup=100, draws=20, seed=1)
    steps = fit.posterior["bsp_sigma_mox"] * 3 * fit.posterior["simo_sigma_mox1[1]"]
    table = fit.residual_sd()
    assert list(table["level"]) == ["0", "1", "2", "3"]
    assert_allclose(table["Estimate"].iloc[:2], [1.0, np.exp(steps).mean()])
