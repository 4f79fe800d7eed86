"""A fit that kept some draws gives what these give, and says of the rest that it was not kept."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import hmlm as hm
from hmlm.types import HmlmError

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")

SETTINGS = {"chains": 2, "warmup": 60, "draws": 40, "seed": 2}


@pytest.fixture(scope="module")
def model() -> hm.Model:
    """Effects on the mean are integrated out, those on sigma are sampled."""
    rng = np.random.default_rng(3)
    group, x = np.repeat(np.arange(8), 6), rng.normal(size=48)
    y = 1.0 + 0.5 * x + rng.normal(size=8)[group] + 0.5 * rng.normal(size=48)
    data = {"y": y, "x": x, "g": group}
    return hm.model(hm.bf("y ~ 1 + x + (1 |c| g)", sigma="~ 1 + (1 |c| g)"), data)


@pytest.fixture(scope="module")
def whole(model) -> hm.Fit:
    return model.fit(**SETTINGS)


@pytest.fixture(scope="module")
def population(model) -> hm.Fit:
    return model.fit(**SETTINGS, keep="population")


@pytest.fixture(scope="module")
def named(model) -> hm.Fit:
    return model.fit(**SETTINGS, keep=["b_x", "r_g__sigma"])


def test_what_is_kept_is_what_all_draws_give(whole, population, named):
    xr.testing.assert_equal(population.posterior, whole.posterior)
    xr.testing.assert_equal(named.posterior, whole.posterior[["b_x"]])
    xr.testing.assert_allclose(named["r_g__sigma"], whole["r_g__sigma"])
    for fit in (population, named):
        xr.testing.assert_equal(fit.sample_stats, whole.sample_stats)


def test_the_summary_has_what_was_kept(whole, population, named):
    assert population.summary().equals(whole.summary())
    assert list(named.summary().index) == ["x"]


def test_what_was_not_kept_says_so(population, named):
    for ask in (lambda: population["r_g"], population.ranef, population.log_lik, population.predict):
        with pytest.raises(HmlmError, match=r"not kept by keep='population'.*keep=\"all\""):
            ask()
    with pytest.raises(HmlmError, match=r"not kept by keep=\['b_x', 'r_g__sigma'\]"):
        named.log_lik()
    with pytest.raises(HmlmError, match="no variable 'r_g'"):
        named["r_g"]


def test_effects_that_parameters_determine_need_not_be_kept():
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(8), 5)
    stated = hm.model("y ~ 1 + (1 | g)", {"y": rng.normal(size=8)[group] + rng.normal(size=40), "g": group})
    whole, population = (stated.fit(**SETTINGS, keep=keep) for keep in ("all", "population"))
    xr.testing.assert_allclose(population["r_g"], whole["r_g"])
    xr.testing.assert_allclose(population.log_lik(), whole.log_lik())


def test_they_are_saved_without_what_they_lack(population, named, tmp_path):
    for name, fit in {"population": population, "named": named}.items():
        fit.save(tmp_path / name)
        loaded = hm.load_fit(tmp_path / name)
        xr.testing.assert_equal(loaded.posterior, fit.posterior)
        assert loaded.statement == fit.statement
        with pytest.raises(HmlmError):
            loaded.log_lik()
    xr.testing.assert_equal(hm.load_fit(tmp_path / "named")["r_g__sigma"], named["r_g__sigma"])


def test_thinned_draws_are_counted_as_brms_counts_them(model, whole):
    thinned = model.fit(**SETTINGS, thin=4)
    np.testing.assert_array_equal(thinned["b_x"], whole["b_x"].values[:, 3::4])
    assert thinned.sample_stats["n_steps"].sum() == whole.sample_stats["n_steps"].sum()
    depths = whole.sample_stats["tree_depth"].values.reshape(2, -1, 4).max(-1)
    np.testing.assert_array_equal(thinned.sample_stats["tree_depth"], depths)
    assert "iter = 100; warmup = 60; thin = 4;" in str(thinned)
    assert "total post-warmup draws = 20" in str(thinned)
