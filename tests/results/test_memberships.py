"""Fits whose rows belong to several levels: recovered, predicted, stored, described."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import hmlm as hm
from hmlm.results.report.mathematics import model_parts
from hmlm.results.report.words import notation, sentence
from hmlm.types import HmlmError

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # few draws
N_LEVELS, N_ROWS = 25, 500
FORMULA = "y ~ x + (1 | mm(first, second, weights = cbind(v, w)))"
SD, SIGMA = 1.2, 0.6


@pytest.fixture(scope="module")
def truth():
    return SD * np.random.default_rng(1).normal(size=N_LEVELS)


@pytest.fixture(scope="module")
def data(truth):
    rng = np.random.default_rng(2)
    members = rng.integers(0, N_LEVELS, (N_ROWS, 2))
    weights, x = rng.uniform(0.2, 1.0, (N_ROWS, 2)), rng.normal(size=N_ROWS)
    share = weights / weights.sum(1, keepdims=True)
    y = 1.0 + 0.5 * x + (share * truth[members]).sum(1) + SIGMA * rng.normal(size=N_ROWS)
    names = np.array([f"s{i:02d}" for i in range(N_LEVELS)])[members]
    columns = {"first": names[:, 0], "second": names[:, 1], "v": weights[:, 0], "w": weights[:, 1]}
    return pd.DataFrame({"y": y, "x": x, **columns})


@pytest.fixture(scope="module")
def fit(data):
    return hm.fit(FORMULA, data, chains=2, warmup=250, draws=250, seed=1)


def test_parameters_and_effects_are_recovered(fit, truth):
    values = {"sd_mmfirstsecond__Intercept": SD, "sigma": SIGMA, "b_Intercept": 1.0, "b_x": 0.5}
    for name, value in values.items():
        draws = fit.posterior[name]
        assert abs(float(draws.mean()) - value) < 4 * float(draws.std())
    effects = fit.effects["r_mmfirstsecond"].sel(term="Intercept")
    error = (effects.mean(("chain", "draw")).values - truth) / effects.std(("chain", "draw")).values
    assert np.abs(error).max() < 4.5
    assert "rows belong to several levels" in hm.model(FORMULA, fit.design.table).explain()


def test_predictions_are_weighted_sums_of_effects(fit, data):
    found = np.asarray(fit.epred()).reshape(-1, N_ROWS)
    effects = fit.effects["r_mmfirstsecond"].sel(term="Intercept").values.reshape(-1, N_LEVELS)
    index = data[["first", "second"]].apply(lambda column: column.str[1:].astype(int)).to_numpy()
    weights = data[["v", "w"]].to_numpy() / data[["v", "w"]].sum(axis=1).to_numpy()[:, None]
    population = fit.posterior["b_Intercept"].values.reshape(-1, 1) + np.outer(fit.posterior["b_x"], data.x)
    assert_allclose(found, population + np.sum(effects[:, index] * weights, axis=2), rtol=1e-8)
    assert_allclose(np.asarray(fit.epred(data.iloc[:5])).reshape(-1, 5), found[:, :5], rtol=1e-10)


def test_log_likelihood_of_rows(fit, data):
    mean = np.asarray(fit.epred()).reshape(-1, N_ROWS)
    sigma = fit.posterior["sigma"].values.reshape(-1, 1)
    wanted = -0.5 * ((data.y.to_numpy() - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    assert_allclose(fit.log_lik().values.reshape(wanted.shape), wanted, rtol=1e-7, atol=1e-7)
    assert np.isfinite(fit.loo().elpd)


def test_new_levels(fit):
    new = pd.DataFrame({"x": 0.0, "first": ["s01", "new"], "second": ["new", "new"], "v": 1.0, "w": 1.0})
    with pytest.raises(HmlmError, match="allow_new_levels=True"):
        fit.epred(new)
    options = {"allow_new_levels": True, "sample_new_levels": "gaussian"}
    drawn = np.asarray(fit.epred(new, **options)).reshape(-1, 2)
    known = fit.effects["r_mmfirstsecond"].sel(term="Intercept").values.reshape(-1, N_LEVELS)[:, 1]
    intercept = fit.posterior["b_Intercept"].values.ravel()
    assert_allclose(2 * (drawn[:, 0] - intercept) - known, drawn[:, 1] - intercept, atol=1e-8)


def test_levels_are_not_left_out(fit):
    with pytest.raises(HmlmError, match="rows belong to several levels"):
        fit.loo(group="mmfirstsecond")
    with pytest.raises(HmlmError, match="rows belong to several levels"):
        fit.kfold(group="mmfirstsecond")


def test_likelihood_has_no_closed_form(fit):
    with pytest.raises(HmlmError, match="rows belong to several levels of block 'mmfirstsecond'.*nuts"):
        hm.fit(FORMULA, fit.design.table, algorithm="ml")


def test_saved(fit, tmp_path, data):
    fit.save(tmp_path / "fit.nc")
    loaded = hm.load_fit(tmp_path / "fit.nc")
    assert_allclose(np.asarray(loaded.epred(data.iloc[:4])), np.asarray(fit.epred(data.iloc[:4])))
    assert_allclose(loaded.log_lik().values, fit.log_lik().values)


def test_in_words_and_symbols(fit):
    spec, design = fit.spec, fit.design
    assert f"({N_LEVELS} levels, of which rows have several)" in sentence(spec, ("y",), N_ROWS)
    assert any("weight of the m-th level" in note for note in notation(spec, design))
    assert len(model_parts(spec, ("y",))) == 4
