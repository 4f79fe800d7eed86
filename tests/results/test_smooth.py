"""A fit with a smooth function: it is found, predicts, is saved, shown and explained."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import hmlm as hm

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # few draws
FORMULA = "y ~ s(x) + z + (1 | g)"


def truth(x):
    return np.sin(1.5 * x) + 0.3 * x


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    n = 300
    x, z, g = rng.uniform(-3, 3, n), rng.normal(size=n), np.arange(n) % 12
    y = 1.0 + truth(x) + 0.3 * z + rng.normal(0, 0.5, 12)[g] + rng.normal(0, 0.4, n)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": g})


@pytest.fixture(scope="module")
def fit(data):
    return hm.model(FORMULA, data).fit(chains=2, warmup=300, draws=200, seed=2)


def test_what_was_simulated_is_found(fit, data):
    grid = np.linspace(-2.8, 2.8, 30)
    draws = fit.epred(pd.DataFrame({"x": grid, "z": 0.0}), re_formula="NA").values.reshape(-1, 30)
    curve = draws - draws.mean(1, keepdims=True)
    wanted = truth(grid) - truth(grid).mean()
    assert (np.abs(curve.mean(0) - wanted) < 4 * curve.std(0)).all()
    assert np.sqrt(np.mean((curve.mean(0) - wanted) ** 2)) < 0.12
    assert fit.summary().loc["sds(sx_1)", "Rhat"] < 1.05


def test_predictions_are_the_formula(fit, data):
    columns = fit.design.predictors[0].population.rebuild(data.head(3))
    names = ["b_z", "bs_sx_1", *(f"s_sx_1[{k}]" for k in range(1, 9))]
    coefficients = np.stack([fit.posterior[name].values for name in names], axis=-1)
    wanted = fit.posterior["b_Intercept"].values[..., None] + coefficients @ columns.T
    assert_allclose(fit.epred(data.head(3), re_formula="NA").values, wanted)


def test_printed_as_brms_does(fit):
    text = str(fit)
    assert "Smoothing Spline Hyperparameters:\n" in text
    assert text.index("\nsds(sx_1) ") < text.index("Regression Coefficients") < text.index("\nsx_1 ")
    assert "s_sx_1[1]" not in text
    assert list(fit.fixef().index) == ["Intercept", "z", "sx_1"]
    assert set(fit.coef()["g"]["term"]) == {"Intercept", "z"}


def test_along_its_column(fit):
    effects = fit.conditional_effects()
    along = effects["x"]
    assert set(effects) == {"x", "z"} and len(along) > 50
    gap = along["Estimate"] - truth(along["x"])
    assert np.std(gap) < 0.15


def test_explained(fit, data):
    assert "wiggly coefficients of smooth functions: sx_1 (8)" in hm.model(FORMULA, data).explain()
    assert fit.log_prior()["sds_sx_1"].std() > 0


def test_saved(fit, tmp_path, data):
    fit.save(tmp_path / "fit.nc")
    loaded = hm.load_fit(tmp_path / "fit.nc")
    assert str(loaded) == str(fit)
    new = data.head().assign(x=[-4.0, -1.0, 0.0, 1.0, 5.0])
    assert_allclose(loaded.epred(new).values, fit.epred(new).values, rtol=1e-6)
    assert_allclose(loaded.log_lik().values, fit.log_lik().values, rtol=1e-6)


def test_figures_and_report(fit, tmp_path):
    from matplotlib import pyplot as plt

    fit.plot.coefficients()
    fit.plot.conditional("x")
    plt.close("all")
    page = fit.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "a smooth function of x" in page and "sds(sx_1)" in page


@pytest.mark.nightly
def test_prior_of_the_curve(data):
    priors = [hm.prior("normal(0, 1)"), hm.prior("exponential(5)", class_="sds")]
    drawn = hm.model(FORMULA, data, prior=priors).sample_prior(draws=300, seed=1)
    ratio = drawn.posterior["s_sx_1[3]"] / drawn.posterior["sds_sx_1"]
    assert_allclose([ratio.mean(), ratio.std()], [0.0, 1.0], atol=0.2)


@pytest.mark.nightly
def test_a_function_for_each_category(data):
    both = data.assign(f=np.where(data.index % 2, "b", "a"))
    both["y"] = np.where(both.f == "a", truth(both.x), 0.4 * both.x) + data.y - 1.0 - truth(data.x)
    fit = hm.model("y ~ f + s(x, by = f) + z + (1 | g)", both).fit(chains=2, warmup=300, draws=200, seed=2)
    assert fit.summary().loc["sds(sxfa_1)", "Estimate"] > 2 * fit.summary().loc["sds(sxfb_1)", "Estimate"]
    along = fit.conditional_effects()["x:f"]
    line = along[along["f"] == "b"]
    assert np.std(line["Estimate"] - 0.4 * line["x"]) < 0.15
