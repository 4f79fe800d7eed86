"""Leave-one-out, WAIC and LOO-PIT against ArviZ, SciPy and the definitions."""

from __future__ import annotations

import warnings

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.base.array import array_stats
from scipy.special import logsumexp
from scipy.stats import norm

import hmlm as hm
from hmlm.results import datatree, loo
from hmlm.results.elpd import Elpd

from ..helpers import even

OLD = az.__version__.startswith("0.")
SETTINGS = {"chains": 4, "warmup": 500, "draws": 1000, "seed": 1, "target_accept": 0.95, "progress": False}


def rows_with_an_outlier() -> pd.DataFrame:
    data = even(0)
    data.loc[17, "y"] = data["y"].mean() + 60.0
    return data


@pytest.fixture(scope="module")
def fit() -> hm.Fit:
    return hm.fit("y ~ x + (1 | g)", even(0), **SETTINGS)


@pytest.fixture(scope="module")
def spoilt() -> hm.Fit:
    return hm.fit("y ~ x + (1 | g)", rows_with_an_outlier(), **SETTINGS)


def as_arviz(fit: hm.Fit):
    groups = {"posterior": fit.posterior, "log_likelihood": xr.Dataset({"y": fit.log_lik()})}
    return datatree.to_arviz(datatree.to_datatree(groups))


def test_loo_is_arviz(fit):
    got = fit.loo()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = az.loo(as_arviz(fit), pointwise=True, reff=loo.relative_efficiency(fit))
    elpd_i, p = (wanted.loo_i, wanted.p_loo) if OLD else (wanted.elpd_i, wanted.p)
    # ArviZ 0.x rounds the length of the tail up
    np.testing.assert_allclose(got.elpd_i, elpd_i.values, atol=0.01 if OLD else 1e-9)
    np.testing.assert_allclose(got.khat, wanted.pareto_k.values, atol=0.05 if OLD else 1e-9)
    np.testing.assert_allclose(got.p, p, rtol=1e-2 if OLD else 1e-6)
    log_lik = fit.log_lik().values.reshape(-1, len(got.elpd_i))
    lppd = np.log(np.exp(log_lik).mean(axis=0)).sum()
    np.testing.assert_allclose(got.p, lppd - got.elpd, rtol=1e-8)
    n = len(got.elpd_i)
    np.testing.assert_allclose(got.se, np.sqrt(n) * got.elpd_i.std(ddof=1), rtol=1e-10)
    np.testing.assert_allclose(got.se, wanted.se, rtol=2e-2)  # ArviZ's versions divide by n or by n - 1


def test_waic_by_its_definition(fit):
    log_lik = fit.log_lik().values.reshape(-1, 60)
    with pytest.warns(hm.ComparisonWarning, match="p_waic is above 0.4"):
        got = spread = fit.waic()
    variance = log_lik.var(axis=0, ddof=1)
    lppd = np.log(np.exp(log_lik).mean(axis=0))
    np.testing.assert_allclose(got.elpd_i, lppd - variance, rtol=1e-9)
    assert list(spread.estimates.index) == ["elpd_waic", "p_waic", "waic"]


@pytest.mark.skipif(not OLD, reason="ArviZ 1 has no waic")
def test_waic_is_arviz(fit):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, wanted = fit.waic(), az.waic(as_arviz(fit), pointwise=True)
    np.testing.assert_allclose(got.p, wanted.p_waic * 4000 / 3999, rtol=1e-9)


def test_rows_may_come_in_any_number_of_blocks(fit, monkeypatch):
    whole = fit.loo()
    monkeypatch.setattr(loo, "NUMBERS_AT_A_TIME", 4000 * 7)
    pieces = fit.loo()
    np.testing.assert_allclose(pieces.pointwise, whole.pointwise, rtol=1e-8)


def test_a_group_is_left_out_by_its_integrated_likelihood(fit):
    got = fit.loo(group="g")
    log_lik = fit.log_lik("g").values.reshape(-1, 6)
    harmonic = np.log(len(log_lik)) - logsumexp(-log_lik, axis=0)
    np.testing.assert_allclose(got.elpd_i, harmonic, atol=0.3)
    assert got.labels == tuple("012345")
    assert got.pointwise.index.name == "g"
    assert got.n_parameters == 4 < fit.loo().n_parameters == 10


def test_pit_of_rows_predicted_without_themselves():
    fit = hm.fit("y ~ x", even(0), **SETTINGS)
    got = fit.loo_pit()["y"]
    draws = {name: fit[name].values.ravel()[:, None] for name in ("b_Intercept", "b_x", "sigma")}
    data = even(0)
    mean = draws["b_Intercept"] + draws["b_x"] * data["x"].values
    below = norm(mean, draws["sigma"]).cdf(data["y"].values)
    log_lik = norm(mean, draws["sigma"]).logpdf(data["y"].values)
    weights = np.exp(array_stats.psislw(log_lik.T, r_eff=loo.relative_efficiency(fit), axis=-1)[0]).T
    np.testing.assert_allclose(got, (weights * below).sum(0) / weights.sum(0), rtol=1e-8)
    assert got.dims == ("row",)


def test_pit_of_several_outcomes():
    formula = [hm.bf("y ~ x + (1 |c| g)"), hm.bf("v ~ (1 |c| g)"), hm.set_rescor()]
    got = hm.fit(formula, even(0), **SETTINGS).loo_pit()
    assert list(got) == ["y", "v"]
    for name in got:
        assert 0.35 < got[name].mean() < 0.65
        assert 0.2 < got[name].std() < 0.38  # uniform: 0.29


def test_an_outlier_is_named_with_what_to_try(spoilt):
    with pytest.warns(
        hm.ComparisonWarning, match=r"k-hat is above 0.70 for 1 of 60 rows: 17 \(\d.\d\d\)"
    ) as caught:
        found = spoilt.loo()
    assert {warning.filename for warning in caught} == {__file__}  # the user's line, not hmlm's
    assert found.bad.tolist() == [row == 17 for row in range(60)]
    assert found.khats["Count"].tolist()[0] == 59
    with pytest.warns(hm.ComparisonWarning, match="1 of 60 rows, whose LOO-PIT is unreliable") as caught:
        spoilt.loo_pit()
    assert {warning.filename for warning in caught} == {__file__}


def made_up(khat) -> Elpd:
    observed = xr.Dataset({"y": ("row", np.zeros(4))}, {"row": np.arange(4)})
    elpd_i, p_i = np.array([-1.0, -2.0, -3.0, -4.0]), np.array([0.1, 0.2, 0.3, 0.6])
    return Elpd("loo", "row", (0, 1, 2, 5), elpd_i, p_i, np.array(khat), 4000, 9, observed)


def test_print():
    assert repr(made_up([0.1, 0.2, -0.3, 0.69])) == (
        "PSIS leave-one-out: 4000 draws, 4 rows\n\n"
        "          Estimate  SE\n"
        "elpd_loo     -10.0 2.6\n"
        "p_loo          1.2 0.4\n"
        "looic         20.0 5.2\n\n"
        "All Pareto k-hat are good (at most 0.70)."
    )


def test_print_with_bad_khat():
    text = repr(made_up([0.1, 0.8, np.inf, np.nan]))
    text = " ".join(text.split())
    assert "(-Inf, 0.70] good 1 25.0% (0.70, 1] bad 1 25.0% (1, Inf) very bad 2 50.0%" in text
    assert "k-hat is above 0.70 for 3 of 4 rows: 5 (nan), 2 (inf), 1 (0.80)." in text
    assert "refit without these rows" in text


def test_a_model_that_does_not_fit_is_told_so():
    elpd = made_up([0.1, 0.8, 0.1, 0.1])
    object.__setattr__(elpd, "n_parameters", 1)
    assert "exceeds the model's 1 parameters: the model does not describe these data" in elpd.problems[0]
