"""``fit.update``: the same model again with changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.types import DataError, HmlmError, PriorError
from tests.fake_sampling import fake_sampling
from tests.helpers import even

PRIORS = [hm.prior("normal(0, 3)", coef="x"), hm.prior("exponential(2)", "sd")]
TABLE = even(0)


@pytest.fixture(autouse=True)
def sampler(monkeypatch):
    with fake_sampling(monkeypatch) as fake:
        yield fake


@pytest.fixture
def fit() -> hm.Fit:
    model = hm.model("y ~ x + w + (1 | g)", TABLE, prior=PRIORS, density="informed", data_name="even")
    return model.fit(chains=2, draws=4, warmup=6, seed=9, target_accept=0.95)


def test_what_is_not_said_stays(fit, sampler):
    again = fit.update()
    assert again.statement == fit.statement and again.spec == fit.spec
    assert sampler.calls[0] == sampler.calls[1]
    np.testing.assert_array_equal(again["b_x"], fit["b_x"])


def test_formula(fit):
    smaller = fit.update(". ~ . - w")
    assert smaller.info.formulas == (("y ~ x + (1 | g)",),)
    assert "b_w" not in smaller.posterior and smaller.info.priors == tuple(
        line for line in fit.info.priors if "b_w" not in line
    )
    assert smaller.info.data_hash == fit.info.data_hash
    assert fit.update(hm.bf("y ~ x + (1 | g)", sigma="~ w")).statement.density == "informed"


def test_settings(fit, sampler):
    longer = fit.update(draws=7, seed=1, density="auto", data_name="other")
    assert (longer.info.draws, longer.info.seed, longer.info.data_name) == (7, 1, "other")
    assert (sampler.calls[-1].warmup, sampler.calls[-1].target_accept) == (6, 0.95)
    assert longer.statement.density == "auto"
    with pytest.raises(HmlmError, match="no argument 'iter'"):
        fit.update(iter=4)


def test_data(fit):
    other = fit.update(data=even(1))
    assert other.info.data_hash != fit.info.data_hash and other.info.data_name == "data"
    assert other.statement.priors == fit.statement.priors
    longer = fit.update(". ~ . + h", pd.concat([TABLE, even(2)], ignore_index=True))
    assert longer.info.n_rows == 120 and "b_h" in longer.posterior


def test_prior(fit):
    assert "b_x ~ normal(0, 5)" in fit.update(prior=hm.prior("normal(0, 5)", coef="x")).info.priors
    with pytest.raises(PriorError):
        fit.update(". ~ . - x")


def test_columns_that_the_fit_never_used_are_asked_for(fit):
    with pytest.raises(DataError, match="no column 'h'.*pass data="):
        fit.update(". ~ . + h")


def test_rows_left_out_stay_out_and_keep_their_places():
    table = TABLE.assign(w=TABLE["w"].mask(TABLE.index < 3))
    with pytest.warns(hm.DataWarning):
        fit = hm.fit("y ~ x + w + (1 | g)", table, chains=1, draws=4, warmup=4)
    smaller = fit.update(". ~ . - w")
    assert (smaller.info.n_rows, smaller.info.n_dropped) == (57, 3)
    np.testing.assert_array_equal(smaller.design.rows, np.arange(3, 60))


def test_a_loaded_fit_updates_too(fit, tmp_path):
    fit.save(tmp_path / "fit.nc")
    loaded = hm.load_fit(tmp_path / "fit.nc")
    for changes in ({}, {"formula": ". ~ . - w"}, {"draws": 5}):
        one, other = fit.update(**changes), loaded.update(**changes)
        assert one.statement == other.statement
        np.testing.assert_array_equal(one["b_x"], other["b_x"])


def test_factories_update(tmp_path):
    fit = hm.varying_intercept(TABLE[["x"]], TABLE["g"], TABLE["y"]).fit(chains=1, draws=4, warmup=4)
    again = fit.update(seed=4)
    assert again.info.formulas == fit.info.formulas and again.spec == fit.spec


def test_a_fit_by_likelihood(fit):
    assert fit.update(algorithm="ml").loglik < 0
