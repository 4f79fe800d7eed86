"""Fits with shrinkage priors: what they shrink, their prior draws, and what a fit says of them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import hmlm as hm
from hmlm.results.report.mathematics import model_parts
from hmlm.results.report.priors import prior_rows
from hmlm.results.report.words import notation

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # few draws
K = 12
TRUE = np.array([1.5, -1.0] + [0.0] * (K - 2))
COLUMNS = [f"x{k}" for k in range(K)]
FORMULA = f"y ~ {' + '.join(COLUMNS)} + (1 | g)"
HORSESHOE = hm.prior("horseshoe(par_ratio = 2/10)")
N_PRIOR = 4000


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(8)
    x, g = rng.normal(size=(150, K)), np.arange(150) % 10
    y = 1.0 + x @ TRUE + rng.normal(0, 0.5, 10)[g] + rng.normal(size=150)
    return pd.DataFrame(x, columns=COLUMNS).assign(y=y, g=g)


@pytest.fixture(scope="module")
def fit(data):
    return hm.model(FORMULA, data, prior=HORSESHOE).fit(chains=2, warmup=400, draws=300, seed=3)


def coefficients(fit):
    return np.stack([fit.posterior[f"b_{name}"].values for name in COLUMNS], axis=-1)


def test_small_coefficients_are_shrunk_and_large_ones_are_not(fit, data):
    b, least_squares = coefficients(fit).mean((0, 1)), hm.model(FORMULA, data).fit(algorithm="ml").fixef()
    plain = least_squares.loc[COLUMNS, "Estimate"].to_numpy()
    assert_allclose(b[:2], plain[:2], atol=0.1)
    assert np.abs(b[2:]).max() < 0.75 * np.abs(plain[2:]).max()
    assert np.sum(b[2:] ** 2) < 0.4 * np.sum(plain[2:] ** 2)
    assert float(fit.posterior["hs_local[1]"].median()) > 5 * float(fit.posterior["hs_local[7]"].median())


def test_what_the_prior_is_made_of_is_drawn_but_not_printed(fit):
    made_of = ["hs_global", "hs_slab", *(f"hs_local[{k + 1}]" for k in range(K))]
    assert set(made_of) <= set(fit.posterior)
    assert "hs_" not in str(fit)
    assert not fit.summary().index.str.startswith("hs_").any()


def test_power_scaling_is_of_the_overall_scales(fit):
    p = fit.posterior
    log_prior = fit.log_prior()
    assert {"hs_global", "hs_slab"} <= set(log_prior) and "b_x1" not in log_prior
    scale = 0.2 / np.sqrt(150) * p["sigma"].values
    wanted = stats.t.logpdf(p["hs_global"].values, 1, 0, scale) + np.log(2)
    assert_allclose(log_prior["hs_global"].values, wanted, rtol=1e-5)
    assert_allclose(log_prior["hs_slab"], stats.invgamma.logpdf(p["hs_slab"].values, 2, scale=2), rtol=1e-5)
    assert np.isfinite(fit.prior_sensitivity()["prior"]).all()


def test_saved(fit, tmp_path, data):
    fit.save(tmp_path / "fit.nc")
    loaded = hm.load_fit(tmp_path / "fit.nc")
    assert str(loaded) == str(fit)
    assert loaded.spec.predictors[0].shrinkage == fit.spec.predictors[0].shrinkage
    assert_allclose(loaded.epred(data.head()).values, fit.epred(data.head()).values)
    assert_allclose(loaded.log_lik("g").values, fit.log_lik("g").values, rtol=1e-6)


def test_stated_and_explained(data):
    model = hm.model(FORMULA, data, prior=HORSESHOE)
    assert "horseshoe: 12 coefficients in informed coordinates" in model.explain()
    said = " ".join(notation(model.spec, model.design))
    assert "horseshoe prior are Normal(0, τλ̃)" in said
    (priors,) = [part.mathml for part in model_parts(model.spec, ("y",)) if part.title == "Priors"]
    assert "Horseshoe" in priors and "par_ratio = 2/10" in priors
    assert ("b", "horseshoe(par_ratio = 2/10)") in {row[:2] for row in prior_rows(model.spec, model.design)}


def prior_draws(data, *prior):
    stated = [*prior, hm.prior("normal(0, 1)", class_="Intercept")]
    return hm.model("y ~ x1 + x2 + x3", data, prior=stated).sample_prior(draws=N_PRIOR, seed=1).posterior


def half_t(df):
    return lambda x: 2 * stats.t.cdf(x, df) - 1


def assert_distributed(draws, cdf):
    assert stats.kstest(np.ravel(draws), cdf).statistic < 1.95 / np.sqrt(N_PRIOR)  # 0.1 % level


@pytest.mark.nightly
def test_draws_of_the_prior_have_its_quantiles(data):
    p = prior_draws(data, hm.prior("horseshoe(3, 2, df_global = 5, df_slab = 6)"))
    assert_distributed(p["hs_global"] / p["sigma"] / 2, half_t(5))
    assert_distributed(p["hs_slab"], stats.invgamma(3, scale=3).cdf)
    assert_distributed(p["hs_local[2]"], half_t(3))
    scale = 1 / np.sqrt(1 / (p["hs_global"] * p["hs_local[2]"]) ** 2 + 1 / (4 * p["hs_slab"]))
    assert_distributed(p["b_x2"] / scale, stats.norm().cdf)
    p = prior_draws(data, hm.prior("R2D2(0.3, 5, cons_D2 = c(1, 2, 3))"))
    assert_distributed(p["R2D2_R2"], stats.beta(1.5, 3.5).cdf)
    assert_distributed(p["R2D2_phi[2]"], stats.beta(2, 4).cdf)
    unit = p["sigma"] * np.sqrt(p["R2D2_R2"] / (1 - p["R2D2_R2"]))
    assert_distributed(p["b_x3"] / unit / np.sqrt(p["R2D2_phi[3]"]), stats.norm().cdf)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore:.*only their priors tell them apart:hmlm.types.DataWarning")
def test_more_coefficients_than_rows():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(30, 40))
    many = pd.DataFrame(x, columns=[f"x{k}" for k in range(40)]).assign(y=3 * x[:, 0] + rng.normal(size=30))
    model = hm.model(f"y ~ {' + '.join(many.columns[:40])}", many, prior=HORSESHOE)
    fit = model.fit(chains=2, warmup=300, draws=200, seed=3)
    b = fit.fixef()["Estimate"]
    assert abs(b["x0"] - 3) < 0.8 and b.drop(["Intercept", "x0"]).abs().max() < 0.5
    assert fit.convergence.rhat.max() < 1.1
