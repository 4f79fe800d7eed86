"""Effects of a real fit against its own log likelihood and its own design matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import hmlm as hm
from hmlm.types import SamplingWarning


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """60 rows of 6 groups; x is far from centred."""
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(6), 10)
    x = rng.normal(3.0, 1.0, 60)
    y = 1 + 0.5 * x + rng.normal(size=6)[g] + rng.normal(0, 0.3, 6)[g] * x + 0.5 * rng.normal(size=60)
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{j}" for j in g]})


def fitted(formula, table) -> hm.Fit:
    with pytest.warns(SamplingWarning):
        return hm.fit(formula, table, chains=2, warmup=80, draws=20, seed=3)


@pytest.fixture(scope="module")
def location_scale(table) -> hm.Fit:
    return fitted(hm.bf("y ~ x + (1 + x | c | g)", sigma="~ x + (1 | c | g)"), table)


@pytest.fixture(scope="module")
def slopes(table) -> hm.Fit:
    return fitted("y ~ x + (1 + x | g)", table)


def test_coefficients_make_the_likelihood(location_scale, table):
    """With the centred intercept in place of b_Intercept, means were off by b_x times the mean of x."""
    coef = location_scale.coef(summary=False)["g"]
    rows = coef.sel(g=table["g"].to_list()).transpose("chain", "draw", "g", "term")
    x = table["x"].to_numpy()

    def predictor(prefix: str) -> np.ndarray:
        return rows.sel(term=f"{prefix}Intercept").values + rows.sel(term=f"{prefix}x").values * x

    expected = norm.logpdf(table["y"].to_numpy(), predictor(""), np.exp(predictor("sigma_")))
    np.testing.assert_allclose(location_scale.log_lik().values, expected, rtol=1e-6)


def test_share_of_the_intercept_where_slopes_vary(slopes, table):
    """The groups' variance is the mean over rows of z' Sigma z, row by row here."""
    covariance = slopes.var_corr(summary=False)["g"].values
    z = np.stack([np.ones(len(table)), table["x"]], axis=1)
    between = np.mean([np.einsum("i,csij,j->cs", row, covariance, row) for row in z], axis=0)
    expected = covariance[:, :, 0, 0] / (between + slopes["sigma"].values ** 2)
    np.testing.assert_allclose(slopes.icc()["Estimate"], [expected.mean()])
    np.testing.assert_allclose(slopes.icc("g", prob=0.5)["l-50% CI"], [np.quantile(expected, 0.25)])


def test_effects_survive_a_file(slopes, tmp_path):
    slopes.save(tmp_path / "fit.nc")
    back = hm.load_fit(tmp_path / "fit.nc")
    pd.testing.assert_frame_equal(back.coef()["g"], slopes.coef()["g"])
    assert repr(back.var_corr()) == repr(slopes.var_corr())
    pd.testing.assert_frame_equal(
        back.spread_draws("r_g[g, term]", "b_x"), slopes.spread_draws("r_g[g, term]", "b_x")
    )
    assert repr(back.hypothesis("x > 0")) == repr(slopes.hypothesis("x > 0"))


def test_draws_by_person_add_up_to_coefficients(location_scale):
    frame = location_scale.spread_draws("b_sigma_Intercept", "r_g__sigma[g, term]")
    frame = frame.assign(sigma=frame["b_sigma_Intercept"] + frame["r_g__sigma"])
    found = hm.mean_qi(frame, "sigma").set_index("g")["sigma"]
    table = location_scale.coef()["g"].query("term == 'sigma_Intercept'").set_index("level")["Estimate"]
    np.testing.assert_allclose(found, table[list(found.index)])
