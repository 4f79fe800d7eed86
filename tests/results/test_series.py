"""A fit with AR(1) residuals: predictions of whole series, leave-one-out, its file, what is refused."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.results.fit import Fit
from hmlm.types import DataError, HmlmError

RHO, SIGMA = 0.7, 0.5
N_SERIES, LENGTH = 30, 12


@cache
def data() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    residual = np.zeros((N_SERIES, LENGTH))
    residual[:, 0] = rng.normal(0, SIGMA / np.sqrt(1 - RHO**2), N_SERIES)
    for t in range(1, LENGTH):
        residual[:, t] = RHO * residual[:, t - 1] + rng.normal(0, SIGMA, N_SERIES)
    s, t = np.divmod(np.arange(N_SERIES * LENGTH), LENGTH)
    x = rng.normal(size=len(s))
    y = 1 + 0.5 * x + rng.normal(0, 0.4, N_SERIES)[s] + residual.ravel()
    return pd.DataFrame({"s": s, "t": t, "x": x, "y": y}).sample(frac=1, random_state=2, ignore_index=True)


@cache
def fitted(cov: bool, sigma: str | None = None) -> Fit:
    formula = f"y ~ x + (1 | s) + ar(t, s, cov = {str(cov).upper()})"
    stated = hm.bf(formula) if sigma is None else hm.bf(formula, sigma=sigma)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hm.fit(stated, data(), chains=2, warmup=200, draws=300, seed=1)


def test_the_truth_is_recovered():
    summary = fitted(True).summary()
    assert abs(summary.loc["ar[1]", "Estimate"] - RHO) < 3 * summary.loc["ar[1]", "Est.Error"]
    assert abs(summary.loc["sigma", "Estimate"] - SIGMA) < 3 * summary.loc["sigma", "Est.Error"]


@pytest.mark.parametrize("cov", [True, False])
def test_new_outcomes_are_series(cov):
    """Their residuals have the variances and lagged products that the draws' parameters say."""
    fit = fitted(cov)
    residual = (fit.predict(re_formula="NA") - fit.epred(re_formula="NA")).values.reshape(-1, len(data()))
    previous = fit.design.outcomes[0].series.previous
    rho, sigma = (fit[name].values.ravel() for name in ("ar[1]", "sigma"))
    first = previous < 0
    long_run = sigma**2 / (1 - rho**2)
    start = long_run if cov else sigma**2
    np.testing.assert_allclose(np.mean(residual[:, first] ** 2), start.mean(), rtol=0.05)
    last = data().t.to_numpy() == LENGTH - 1
    end = long_run + (start - long_run) * rho ** (2 * (LENGTH - 1))
    np.testing.assert_allclose(np.mean(residual[:, last] ** 2), end.mean(), rtol=0.05)
    step = residual[:, ~first] - rho[:, None] * residual[:, previous[~first]]
    np.testing.assert_allclose(step.std(), np.sqrt(np.mean(sigma**2)), rtol=0.02)
    assert abs(np.mean(step * residual[:, previous[~first]])) < 0.01


def test_chunks_are_parts_of_the_same_series():
    fit = fitted(True, "~ x")
    whole = fit.predict(ndraws=20)
    some = fit.prediction("predict", ndraws=20)
    parts = np.concatenate([np.asarray(values)[0] for _, values in some.chunks()])
    np.testing.assert_allclose(parts.T, whole.values.reshape(20, -1), rtol=1e-10)


def test_new_data_need_what_tells_series_apart():
    fit, new = fitted(True), pd.DataFrame({"s": [0, 0, 1], "t": [50, 51, 50], "x": 0.0})
    assert fit.predict(new).sizes["row"] == 3
    assert fit.epred(new.drop(columns="t")).sizes["row"] == 3
    with pytest.raises(DataError, match="'t'"):
        fit.predict(new.drop(columns="t"))


def test_leave_one_out_prefers_the_series():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        independent = hm.fit("y ~ x + (1 | s)", data(), chains=2, warmup=200, draws=300, seed=1)
        assert fitted(True).loo().elpd > independent.loo().elpd + 20
    rows = fitted(True).log_lik().mean(("chain", "draw"))
    assert np.isfinite(rows).all()


def test_what_would_cut_series_is_refused():
    with pytest.raises(HmlmError, match="leave out whole series: group = 's'"):
        fitted(True).kfold()
    with pytest.raises(HmlmError, match="residuals follow each other"):
        fitted(True).icc()


def test_the_table_of_variances_says_which_sigma_it_shows():
    assert "given the row before" in repr(fitted(True).var_corr())


def test_a_file_keeps_it(tmp_path):
    fit = fitted(True, "~ x")
    fit.save(tmp_path / "fit.nc")
    again = hm.load_fit(tmp_path / "fit.nc")
    assert repr(again) == repr(fit)
    np.testing.assert_allclose(again.log_lik(), fit.log_lik(), rtol=1e-7)
    np.testing.assert_allclose(again.predict(ndraws=5), fit.predict(ndraws=5), rtol=1e-7)
