"""Fits with ``cosy()`` and ``unstr()``: recovery, new outcomes of whole series, files, tables, refusals."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.results.fit import Fit
from hmlm.results.plots.covariance import row_covariance
from hmlm.types import DataError, HmlmError

N_SERIES, N_TIMES, SIGMA = 60, 3, 0.5
TRUTH = {
    "unstr(t, s)": np.array([[1.0, 0.7, 0.1], [0.7, 1.0, -0.4], [0.1, -0.4, 1.0]]),
    "cosy(t, s)": 0.6 + 0.4 * np.eye(N_TIMES),
}


@cache
def data(term: str) -> pd.DataFrame:
    """Series in 12 groups ``g``; every tenth row is lacking."""
    rng = np.random.default_rng(4)
    residual = SIGMA * rng.multivariate_normal(np.zeros(N_TIMES), TRUTH[term], N_SERIES)
    s, t = np.divmod(np.arange(N_SERIES * N_TIMES), N_TIMES)
    x = rng.normal(size=len(s))
    y = 1 + 0.5 * x + rng.normal(0, 0.4, 12)[s % 12] + residual.ravel()
    table = pd.DataFrame({"s": s, "g": s % 12, "t": t, "x": x, "y": y})
    return table[np.arange(len(s)) % 10 > 0].sample(frac=1, random_state=2, ignore_index=True)


@cache
def fitted(term: str) -> Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hm.fit(f"y ~ x + (1 | g) + {term}", data(term), chains=2, warmup=150, draws=200, seed=1)


def assert_near(fit: Fit, name: str, truth: float) -> None:
    draws = fit[name]
    assert abs(float(draws.mean()) - truth) < 3.5 * float(draws.std()), name


def test_the_shared_correlation_is_recovered():
    fit = fitted("cosy(t, s)")
    for name, truth in {"cosy": 0.6, "sigma": SIGMA, "b_x": 0.5, "sd_g__Intercept": 0.4}.items():
        assert_near(fit, name, truth)
    assert "Correlation Structures:\n" in repr(fit)


def test_correlations_between_occasions_are_recovered():
    fit, truth = fitted("unstr(t, s)"), TRUTH["unstr(t, s)"]
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        assert_near(fit, f"cortime__{i}__{j}", truth[i, j])
    assert {"cortime(0,1)", "cortime(1,2)"} <= set(fit.summary().index)


@pytest.mark.parametrize("term", TRUTH)
def test_new_outcomes_are_series(term):
    """Their residuals have the covariances that the draws' parameters say."""
    fit = fitted(term)
    new = pd.DataFrame({"s": np.repeat(np.arange(200), 3), "t": np.tile(np.arange(3), 200), "g": 1, "x": 0.0})
    residual = (fit.predict(new, ndraws=100) - fit.epred(new, ndraws=100)).values.reshape(100, 200, 3)
    found = np.einsum("dsa,dsb->ab", residual, residual) / 20_000
    sigma = float((fit["sigma"] ** 2).mean())
    pair = {"cosy(t, s)": ["cosy"] * 3, "unstr(t, s)": ["cortime__0__1", "cortime__0__2", "cortime__1__2"]}
    shared = [float((fit["sigma"] ** 2 * fit[name]).mean()) for name in pair[term]]
    np.testing.assert_allclose(np.diag(found), sigma, rtol=0.1)
    np.testing.assert_allclose(found[[0, 0, 1], [1, 2, 2]], shared, atol=0.1 * sigma)
    with pytest.raises(DataError, match="'t'"):
        fit.predict(new.drop(columns="t"))
    assert fit.epred(new.drop(columns="t")).sizes["row"] == len(new)


def test_new_occasions_are_refused():
    new = pd.DataFrame({"s": [0, 0], "t": [1, 7], "g": 1, "x": 0.0})
    with pytest.raises(DataError, match="unknown level '7'; known: '0', '1', '2'"):
        fitted("unstr(t, s)").predict(new)


@pytest.mark.parametrize("term", TRUTH)
def test_chunks_are_parts_of_the_same_series(term):
    whole = fitted(term).predict(ndraws=20)
    parts = [np.asarray(values)[0] for _, values in fitted(term).prediction("predict", ndraws=20).chunks()]
    np.testing.assert_allclose(np.concatenate(parts).T, whole.values.reshape(20, -1), rtol=1e-10)


@pytest.mark.parametrize("term", TRUTH)
def test_the_covariance_of_rows_holds_their_correlations(term):
    fit, table = fitted(term), data(term)
    rows = np.flatnonzero(table.s == 1)
    later = rows[table.t[rows] == 2][0], rows[table.t[rows] == 1][0]
    name = "cosy" if "cosy" in term else "cortime__1__2"
    shared = fit["sigma"] ** 2 * fit[name] + fit["sd_g__Intercept"] ** 2
    assert row_covariance(fit, 0, np.array(later))[0, 1] == pytest.approx(float(shared.mean()), rel=1e-6)


@pytest.mark.parametrize("term", TRUTH)
def test_the_prior_is_drawn_from(term):
    proper = [hm.prior("normal(0, 1)"), hm.prior("lkj(50)", class_="cortime")]
    prior = hm.model(f"y ~ x + {term}", data(term), prior=proper if "unstr" in term else proper[:1])
    drawn = prior.sample_prior(draws=50, seed=1)
    if "unstr" in term:
        assert float(abs(drawn["cortime__0__2"]).max()) < 0.6
    else:
        assert 0 < float(drawn["cosy"].min()) < 0.3 < 0.7 < float(drawn["cosy"].max()) < 1
    assert drawn.predict().sizes["row"] == len(data(term))


def test_what_would_cut_series_is_refused():
    fit = fitted("cosy(t, s)")
    with pytest.raises(HmlmError, match=r"series of cosy\(\) depend.*group = 'g'"):
        fit.kfold()
    with pytest.raises(HmlmError, match=r"residuals of a series correlate, cosy\(\)"):
        fit.icc()


@pytest.mark.parametrize("term", TRUTH)
def test_tables_and_reports_speak_of_it(term):
    fit = fitted(term)
    assert f"correlate, {term[: term.index('(')]}()" in repr(fit.var_corr())
    assert np.isfinite(fit.loo().elpd)


@pytest.mark.parametrize("term", TRUTH)
def test_a_file_keeps_it(term, tmp_path):
    fit = fitted(term)
    fit.save(tmp_path / "fit.nc")
    again = hm.load_fit(tmp_path / "fit.nc")
    assert repr(again) == repr(fit)
    np.testing.assert_allclose(again.predict(ndraws=5), fit.predict(ndraws=5), rtol=1e-7)
