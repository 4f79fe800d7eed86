"""Fits with a by-variable: a level has the effects, a new one the covariance, of its own by-level."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import hmlm as hm

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # few draws
SDS = {"female": 0.3, "male": 2.0}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(60), 6)
    sex = np.where(np.arange(60) % 2, "male", "female")
    effects = rng.normal(size=60) * pd.Series(sex).map(SDS)
    y = 1.0 + effects.to_numpy()[g] + rng.normal(0, 0.5, len(g))
    return pd.DataFrame({"y": y, "g": g, "sex": sex[g]})


@pytest.fixture(scope="module", params=["marginal", "informed"])
def fit(request, data):
    model = hm.model("y ~ 1 + (1 | gr(g, by = sex))", data, density=request.param)
    return model.fit(chains=2, warmup=200, draws=300, seed=1)


def test_standard_deviations_are_apart(fit):
    for sex, sd in SDS.items():
        draws = fit.posterior[f"sd_g__Intercept:sex{sex}"]
        assert abs(float(draws.mean()) - sd) < 4 * float(draws.std())


def test_a_level_has_the_effects_of_its_own_by_level(fit, data):
    effects = fit.effects["r_g"]
    assert list(effects.coords["term"].values) == ["Intercept"]
    means = effects.mean(("chain", "draw")).sel(term="Intercept").values
    raw = data.groupby("g")["y"].mean().to_numpy() - 1.0
    assert np.corrcoef(means, raw)[0, 1] > 0.98


def test_known_levels_in_new_data(fit, data):
    rows = data.iloc[[0, 6]]
    again = fit.epred(rows)
    population = fit.posterior["b_Intercept"].values[..., None]
    wanted = population + fit.effects["r_g"].sel(term="Intercept").values[..., :2]
    assert_allclose(np.asarray(again).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("way", ["gaussian", "uncertainty"])
def test_new_levels_vary_as_their_by_level_does(fit, way):
    rows = pd.DataFrame({"g": ["a", "b"], "sex": ["female", "male"]})
    predicted = fit.epred(rows, allow_new_levels=True, sample_new_levels=way)
    spread = np.asarray(predicted).reshape(-1, 2).std(axis=0)
    assert spread[0] < 0.6 < 1.4 < spread[1] < 2.8


def test_saved(fit, tmp_path, data):
    fit.save(tmp_path / "fit.nc")
    loaded = hm.load_fit(tmp_path / "fit.nc")
    assert_allclose(loaded.effects["r_g"].values, fit.effects["r_g"].values)
    rows = data.iloc[:9:4]
    assert_allclose(np.asarray(loaded.epred(rows)), np.asarray(fit.epred(rows)))
    assert_allclose(loaded.log_lik().values, fit.log_lik().values)
