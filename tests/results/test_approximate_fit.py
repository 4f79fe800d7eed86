"""Fits of approximations: what they print, refuse, keep and hand on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hmlm as hm
from hmlm.infer.approximate.pool import Pool
from hmlm.results.approximation import closing, shown, verdict
from hmlm.types import HmlmError, SamplingWarning

from ..infer.small_model import small_model


@pytest.fixture(scope="module")
def laplace():
    return small_model().fit(algorithm="laplace", draws=200, seed=1)


@pytest.fixture(scope="module")
def mode():
    return small_model().fit(algorithm="map")


def test_the_table_says_nothing_of_chains(laplace):
    assert list(laplace.summary()) == ["Estimate", "Est.Error", "l-95% CI", "u-95% CI"]
    printed = repr(laplace)
    assert "Draws: Laplace, 200 independent draws" in printed
    assert "An approximation, not the posterior" in printed
    assert "Rhat" not in printed and "warm-up" not in printed and "iter =" not in printed


def test_a_mode_has_estimates_and_nothing_else(mode):
    assert list(mode.summary()) == list(mode.fixef()) == ["Estimate"]
    assert list(mode.summary(variable=True)) == ["variable", "Estimate"]
    assert mode.summary(effects=True).index[-1] == "r_g[level0-7,Intercept]"
    assert mode.ranef()["g"][["Est.Error", "l-95% CI", "u-95% CI"]].isna().all(axis=None)
    assert "one point" in repr(mode) and "Est.Error" not in repr(mode)


def test_effects_at_a_mode_are_their_means(mode):
    """Of a varying intercept alone: the group's mean residual, shrunk."""
    at = {name: float(mode[name].item()) for name in mode.posterior}
    table = mode.design.table
    residual = table["y"] - at["b_Intercept"] - at["b_x"] * table["x"]
    weight = at["sd_g__Intercept"] ** 2 / (at["sd_g__Intercept"] ** 2 + at["sigma"] ** 2 / 5)
    expected = weight * residual.groupby(table["g"]).mean()
    found = mode.effects["r_g"].sel(term="Intercept").squeeze().to_series()
    np.testing.assert_allclose(found[expected.index.astype(str)], expected, atol=1e-6)


@pytest.mark.parametrize(
    "khat, said", [(0.3, "good"), (0.6, "usable"), (0.9, "do not use"), (np.inf, "do not")]
)
def test_the_verdict_of_khat(laplace, khat, said):
    info = replace(laplace.info, khat=khat, resampled=khat < 0.7)
    assert said in verdict(khat) and said in closing(info).replace("\n", " ")
    assert ("resampled by importance" in closing(info).replace("\n", " ")) == info.resampled
    problems = replace(laplace, info=info).problems
    assert bool(problems) == (khat >= 0.7)


def test_a_bad_khat_warns_when_it_is_fitted(monkeypatch):
    monkeypatch.setattr(Pool, "khat", 0.9)
    with pytest.warns(SamplingWarning, match="far from the posterior"):
        fit = small_model().fit(algorithm="laplace", draws=100)
    assert not fit.info.resampled and "as they were drawn" in repr(fit).replace("\n", " ")
    with pytest.warns(SamplingWarning, match="far from the posterior"):
        fit = small_model().fit(algorithm="laplace", draws=100, resample=True)
    assert "resample=True asked for it" in " ".join(fit.problems)


def test_a_file_gives_the_fit_back(laplace, mode, tmp_path):
    for fit in (laplace, mode):
        fit.save(tmp_path / "fit.nc", effects=False)
        again = hm.load_fit(tmp_path / "fit.nc")
        assert repr(again) == repr(fit) and again.info == fit.info
        np.testing.assert_allclose(again.effects["r_g"], fit.effects["r_g"], atol=1e-8)


def test_a_kept_file_is_taken_for_the_same_algorithm_only(tmp_path, capsys):
    model, path = small_model(), tmp_path / "fit.nc"
    model.fit(algorithm="laplace", draws=50, file=path)
    model.fit(algorithm="laplace", draws=50, file=path)
    assert "instead of sampling" in capsys.readouterr().err
    model.fit(algorithm="map", file=path)
    assert "algorithm changed" in capsys.readouterr().err


def test_predictions_and_scores_take_its_draws(laplace, mode):
    assert laplace.predict(summary=False).sizes["draw"] == 200
    assert np.isfinite(laplace.loo(group="g").elpd_i).all()
    assert np.isfinite(mode.epred(summary=False)).all()
    assert laplace.to_arviz() is not None


def test_what_needs_chains_or_draws_is_refused(laplace, mode, tmp_path):
    with pytest.raises(HmlmError, match='ess_per_second=True is of sampled .* fit.update\\(algorithm="nuts"'):
        laplace.summary(ess_per_second=True)
    with pytest.raises(HmlmError, match="kfold is of sampled posteriors"):
        laplace.kfold()
    with pytest.raises(HmlmError, match="comparing models needs draws"):
        mode.loo()
    with pytest.raises(HmlmError, match="a report needs draws"):
        mode.report(tmp_path / "r.html")


def test_a_report_says_what_it_is(laplace, tmp_path):
    text = laplace.report(tmp_path / "r.html").read_text()
    assert "Laplace" in text and "No-U-Turn" not in text and "R-hat" not in text


def test_update_goes_from_one_algorithm_to_another(laplace, mode):
    sampled = laplace.update(algorithm="nuts", chains=1, warmup=200, draws=500)
    assert sampled.info.algorithm == "NUTS" and sampled.info.draws == 500
    again = sampled.update(algorithm="pathfinder")
    assert (again.info.algorithm, again.info.chains, again.info.draws) == ("Pathfinder", 1, 500)
    assert sampled.update(algorithm="map").info.of_mode
    assert mode.update(algorithm="laplace").info.draws == 1000
    assert np.isfinite(sampled.update(algorithm="ml").loglik)
    with pytest.raises(HmlmError, match="chains=3 means nothing"):
        laplace.update(chains=3)


def test_a_sampled_fits_table_keeps_its_columns(laplace):
    frame = laplace.summary().assign(Rhat=1.0)
    assert "Rhat" in shown(replace(laplace.info, algorithm="NUTS"), frame)
