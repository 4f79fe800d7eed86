"""The summary table, fixef, ranef and draws."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
import xarray as xr

from hmlm.results import Fit, Row
from hmlm.types import HmlmError

COLUMNS = ["Estimate", "Est.Error", "l-95% CI", "u-95% CI", "Rhat", "Bulk_ESS", "Tail_ESS"]


def test_columns_and_labels(melsm):
    frame = melsm.summary()
    assert list(frame.columns) == COLUMNS
    assert list(frame.index) == [row.label for row in melsm.info.rows]


def test_numbers_are_those_of_the_draws(melsm):
    draws = melsm.posterior["b_day"].values.ravel()
    row = melsm.summary(prob=0.8).loc["day"]
    expected = [draws.mean(), draws.std(ddof=1), *np.quantile(draws, [0.1, 0.9])]
    np.testing.assert_allclose(
        row[["Estimate", "Est.Error", "l-80% CI", "u-80% CI"]].to_numpy(float), expected
    )


def test_independent_draws_converge(melsm):
    frame = melsm.summary()
    assert frame["Rhat"].max() < 1.02
    assert frame[["Bulk_ESS", "Tail_ESS"]].min().min() > 600


def test_colliding_labels_carry_their_factor(nested):
    assert list(nested.summary().index) == [
        "hospital: sd(Intercept)",
        "hospital:ward: sd(Intercept)",
        "sd(age)",
        "Intercept",
        "sigma",
    ]


def test_options_add_columns_and_round(melsm):
    frame = melsm.summary(digits=1, variable=True, ess_per_second=True)
    assert list(frame["variable"]) == [row.variable for row in melsm.info.rows]
    assert frame["Estimate"].iloc[0] == -0.2
    np.testing.assert_allclose(frame["ESS/s"], frame["Bulk_ESS"] / 12.3, atol=0.1)


def test_effects_add_rows(melsm):
    frame = melsm.summary(effects=True, variable=True)
    assert len(frame) == len(melsm.info.rows) + 9
    row = frame.loc["r_id__sigma[3,Intercept]"]
    assert row["variable"] == "r_id__sigma[3,Intercept]"
    np.testing.assert_allclose(row["Estimate"], melsm["r_id__sigma"].sel(id="3", term="Intercept").mean())


def test_effects_of_a_model_without_groups(outcomes):
    assert len(outcomes.summary(effects=True)) == len(outcomes.info.rows)
    assert outcomes.ranef() == {}


@pytest.mark.parametrize("prob", [0, 1, 95, -0.1, float("nan")])
def test_prob_is_checked(melsm, prob):
    with pytest.raises(HmlmError, match="between 0 and 1"):
        melsm.summary(prob=prob)


def test_single_chain_has_rhat(single_chain):
    assert single_chain.summary().notna().all().all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, 1.0])
def test_degenerate_draws_have_no_convergence(melsm, change_draws, value):
    fit = change_draws(melsm, b_day=np.full((4, 250), value))
    assert fit.summary().loc["day", ["Rhat", "Bulk_ESS", "Tail_ESS"]].isna().all()
    assert fit.summary().drop(index="day").notna().all().all()


@pytest.mark.filterwarnings("error")
def test_a_single_draw(melsm):
    one = dataclasses.replace(melsm, posterior=melsm.posterior.isel(chain=[0], draw=[0]))
    frame = one.summary()
    assert frame["Estimate"].notna().all()
    assert frame[["Est.Error", "Rhat", "Bulk_ESS"]].isna().all().all()


def test_fixef(melsm):
    frame = melsm.fixef(prob=0.5)
    assert list(frame.index) == ["Intercept", "sigma_Intercept", "day"]
    assert list(frame.columns) == ["Estimate", "Est.Error", "l-50% CI", "u-50% CI"]


def test_fixef_without_population_level(melsm):
    rows = tuple(row for row in melsm.info.rows if row.section == "group")
    fit = dataclasses.replace(melsm, info=dataclasses.replace(melsm.info, rows=rows))
    assert fit.fixef().empty


def test_ranef_is_tidy(melsm):
    frame = melsm.ranef()["id"]
    assert list(frame.columns) == ["level", "term", *COLUMNS[:4]]
    assert list(frame["term"][:3]) == ["Intercept", "day", "sigma_Intercept"]
    chosen = frame[(frame["level"] == "2") & (frame["term"] == "day")]
    expected = melsm["r_id"].sel(id="2", term="day").mean()
    np.testing.assert_allclose(chosen["Estimate"], expected)


def test_ranef_draws(nested):
    draws = nested.ranef(summary=False, groups="hospital:ward")
    assert list(draws) == ["hospital:ward"]
    assert draws["hospital:ward"].dims == ("chain", "draw", "hospital:ward", "term")


def test_ranef_names_the_factors_there_are(nested):
    with pytest.raises(HmlmError, match="no grouping factor 'ward'; the model has hospital, hospital:ward"):
        nested.ranef(groups=["ward"])


def test_effects_are_made_once(melsm):
    melsm.ranef()
    melsm.summary(effects=True)
    assert melsm["r_id"].dims == ("chain", "draw", "id", "term")
    assert melsm.effects_fn.calls == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [("b_dya", "did you mean 'b_day'"), ("r_idd", "did you mean 'r_id'"), ("?", "there are")],
)
def test_unknown_variable_suggests(melsm, name, hint):
    with pytest.raises(HmlmError, match=hint):
        melsm[name]


def test_draws_are_wide(melsm):
    frame = melsm.draws()
    assert frame.shape == (1000, len(melsm.info.rows))
    assert frame.index.names == ["chain", "draw"]


def test_summary_is_fast(melsm):
    values = np.random.default_rng(0).normal(size=(30, 4, 4000))
    rows = tuple(Row(f"b_{i}", str(i), "population") for i in range(30))
    posterior = xr.Dataset({f"b_{i}": (("chain", "draw"), v) for i, v in enumerate(values)})
    fit: Fit = dataclasses.replace(
        melsm, info=dataclasses.replace(melsm.info, rows=rows), posterior=posterior
    )
    start = time.process_time()
    fit.summary()
    assert time.process_time() - start < 2
