"""What the brms tutorial makes of its fits of the affect data: tables and figures, in its order.

Published means are compared in Monte-Carlo errors of both, that of a published number being its posterior sd
over the root of the bulk ESS that brms printed for it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.results.plots.loo_pit import ecdf_difference

from .affect import fitted
from .agreement import assert_agrees, differences, needs_data, of_draws
from .test_affect import brms_table

pytestmark = [pytest.mark.data, needs_data]
PEOPLE = 193

# Means and 95% intervals of ``spread_draws("cor.*") %>% mean_qi()`` of m3, as printed: three digits.
CORRELATIONS = """
PAstd_NA_lag__PAstd_PA_lag        0.318   -0.132   0.681
NAstd_Intercept__NAstd_PA_lag     0.303   -0.00369 0.601
NAstd_PA_lag__PAstd_NA_lag        0.261   -0.240   0.692
PAstd_Intercept__PAstd_NA_lag    -0.241   -0.588   0.123
NAstd_Intercept__PAstd_PA_lag    -0.183   -0.391   0.0356
NAstd_Intercept__PAstd_Intercept -0.133   -0.284   0.0217
NAstd_PA_lag__PAstd_PA_lag       -0.123   -0.479   0.242
NAstd_PA_lag__PAstd_Intercept    -0.121   -0.419   0.180
NAstd_NA_lag__PAstd_PA_lag        0.102   -0.190   0.393
PAstd_Intercept__PAstd_PA_lag     0.0950  -0.113   0.296
NAstd_Intercept__NAstd_NA_lag     0.0946  -0.103   0.291
NAstd_NA_lag__NAstd_PA_lag        0.0685  -0.300   0.405
NAstd_Intercept__PAstd_NA_lag    -0.0645  -0.393   0.283
NAstd_NA_lag__PAstd_NA_lag       -0.0334  -0.433   0.383
NAstd_NA_lag__PAstd_Intercept    -0.00442 -0.223   0.220
"""
ROUNDING = 0.0005
TAIL = 3.0  # a quantile at 2.5% has about three times the Monte-Carlo error of the mean


def m3() -> hm.Fit:
    return fitted("m3", 4, 1000)


def m4() -> hm.Fit:
    return fitted("m4", 4, 500)


def m5() -> hm.Fit:
    return fitted("m5", 4, 1000)


# --- the data ------------------------------------------------------------------------------------


def test_people_and_days():
    d = hm.load_dataset("williams")
    d = d.assign(day01=(d["day"] - 2) / (d["day"] - 2).max())
    days = d.groupby("id").size()
    assert (d["id"].nunique(), days.median(), days.min(), days.max()) == (PEOPLE, 74, 8, 99)
    assert (d["day01"].min(), d["day01"].max()) == (0.0, 1.0)
    six = [person for _, person in d[d["id"].isin(d["id"].unique()[:6])].groupby("id")]
    assert len(six) == 6 and all(person["day"].is_monotonic_increasing for person in six)


# --- m3 ------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_m3_effects_of_both_outcomes_side_by_side():
    wide = m3().spread_draws("r_id__NAstd[id, term]", "r_id__PAstd[id, term]")
    assert len(wide) == PEOPLE * 3 * m3().n_draws
    one = wide[(wide["id"].astype(str) == "4") & (wide["term"] == "PA_lag")]
    expected = m3()["r_id__PAstd"].sel(id="4", term="PA_lag").transpose("chain", "draw").values.ravel()
    np.testing.assert_array_equal(one.sort_values(".draw")["r_id__PAstd"], expected)


@pytest.mark.nightly
def test_m3_correlations_as_published():
    rows = [line.split() for line in CORRELATIONS.strip().splitlines()]
    printed = pd.DataFrame(
        [[float(value) for value in row[1:]] for row in rows],
        index=[row[0] for row in rows],
        columns=["mean", "low", "high"],
    )
    labels = {name: f"cor({name.replace('__', ',')})" for name in printed.index}
    brms = brms_table("m3").loc[list(labels.values())].set_axis(printed.index)
    names = [f"cor_id__{name}" for name in printed.index]
    draws = np.stack([m3()[name].transpose("chain", "draw").values for name in names], axis=-1)
    ours = of_draws(draws, list(printed.index))
    assert_agrees(differences(ours, brms.assign(mean=printed["mean"]), ROUNDING))
    found = hm.mean_qi(m3().gather_draws("cor_id__.*"))
    found = found.set_index(found[".variable"].astype(str).str.removeprefix("cor_id__"))
    assert set(found.index) == set(printed.index)
    np.testing.assert_allclose(found.loc[printed.index, ".value"], ours["mean"], rtol=1e-10)
    error = TAIL * np.hypot(ours["mcse"], brms["mcse"])
    for column, end in ((".lower", "low"), (".upper", "high")):
        off = abs(found.loc[printed.index, column] - printed[end])
        assert (off < 3 * error + ROUNDING).all(), pd.DataFrame({"off": off, "error": error}).to_string()


@pytest.mark.nightly
@pytest.mark.parametrize(("x", "held"), [("PA_lag", "NA_lag"), ("NA_lag", "PA_lag")])
def test_m3_spaghetti_of_a_new_person(x, held):
    d = hm.load_dataset("williams")
    grid = np.linspace(d["PA_lag"].min(), d["PA_lag"].max(), 50)
    new = pd.DataFrame({x: grid, held: 0.0, "id": d["id"].max() + 1})
    found = m3().epred(new, allow_new_levels=True, ndraws=400)
    assert dict(found.sizes) == {"sample": 400, "row": 50, "resp": 2}
    slopes = (found.isel(row=-1) - found.isel(row=0)) / (grid[-1] - grid[0])
    for resp in ("NAstd", "PAstd"):
        one, sd = slopes.sel(resp=resp), float(m3()[f"sd_id__{resp}_{x}"].mean())
        error = float(one.std()) / np.sqrt(400)
        assert abs(one.mean() - m3()[f"b_{resp}_{x}"].mean()) < 4 * error
        assert 0.8 * sd < one.std() < 1.25 * sd  # a new person's slope varies as people's do
    axes = m3().plot.lines(x, conditions={held: 0}).axes
    assert [len(ax.lines) for ax in axes] == [50, 50]
    assert [ax.get_ylabel() for ax in axes] == ["expected NA.std", "expected PA.std"]


@pytest.mark.nightly
def test_m3_spaghetti_of_four_people():
    people = ["1", "17", "60", "120"]
    axes = m3().plot.lines("PA_lag", levels=people, ndraws=20, conditions={"NA_lag": 0}).axes
    assert [ax.get_title("left") for ax in axes] == [f"id {person}" for person in people] * 2
    line = np.array([ax.lines[0].get_ydata() for ax in axes])
    x = axes[0].lines[0].get_xdata()
    slopes = (line[:, -1] - line[:, 0]) / (x[-1] - x[0])
    coef = m3().coef(summary=False)["id"].sel(id=people, term="PAstd_PA_lag")
    assert (slopes[4:] > coef.min(("chain", "draw"))).all() and (
        slopes[4:] < coef.max(("chain", "draw"))
    ).all()


@pytest.mark.nightly
def test_m3_effects_of_pa_on_both_outcomes():
    ax = m3().plot.pair("PAstd_PA_lag", "NAstd_PA_lag").axes[0]
    draws = m3().spread_draws("r_id__PAstd[id, term]", "r_id__NAstd[id, term]").query("term == 'PA_lag'")
    means = draws.groupby("id", observed=True, sort=False)[["r_id__PAstd", "r_id__NAstd"]].mean()
    np.testing.assert_allclose(np.asarray(ax.collections[-1].get_offsets()), means, rtol=1e-8)


# --- m4 ------------------------------------------------------------------------------------------


def test_m4_people_ranked_by_sigma():
    draws = m4().spread_draws("b_sigma_Intercept", "r_id__sigma[id, term]").query("term == 'Intercept'")
    sigma = np.exp(draws["b_sigma_Intercept"] + draws["r_id__sigma"])
    ranked = sigma.groupby(draws["id"].astype(str)).mean().sort_values()
    ax = m4().plot.ranked_sigma().axes[0]
    points = next(c for c in ax.collections if len(c.get_offsets()) == PEOPLE).get_offsets()
    np.testing.assert_allclose(points[:, 0], ranked, rtol=1e-8)
    assert len(ranked) == PEOPLE


def test_m4_location_against_scale():
    ax = m4().plot.location_scale().axes[0]
    effects = m4().effects
    location = effects["r_id"].sel(term="Intercept").mean(("chain", "draw"))
    scale = np.exp(effects["r_id__sigma"].sel(term="Intercept")).mean(("chain", "draw"))
    points = next(c for c in ax.collections if len(c.get_offsets()) == PEOPLE).get_offsets()
    np.testing.assert_allclose(points, np.column_stack([location, scale]), rtol=1e-8)
    assert np.corrcoef(location, np.log(scale))[0, 1] == pytest.approx(-0.34, abs=0.1)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::hmlm.types.ComparisonWarning")
def test_m4_is_calibrated_where_one_sigma_for_all_is_not():
    """13 033 ratings: a normal distribution with everybody's own sigma describes them, m2's does not."""
    pit, ax = m4().loo_pit()["PAstd"].values, m4().plot.loo_pit().axes[0]
    np.testing.assert_allclose(
        ax.lines[1].get_ydata(), ecdf_difference(pit, ax.lines[1].get_xdata()), atol=1e-12
    )
    assert ax.get_title("left") == "PA.std: inside the band"
    same = fitted("m2", 4, 400).plot.loo_pit("PAstd").axes[0]
    assert same.get_title("left") == "PA.std: leaves the band"


# --- m5 ------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_m5_coefficients_by_part():
    axes = m5().plot.coefficients().axes
    assert [ax.get_title("left") for ax in axes] == ["mean of PA.std", "log sigma of PA.std"]
    shown = [text.get_text() for ax in axes for text in ax.get_yticklabels()]
    names = set(m5().gather_draws("b_.*")[".variable"]) - {"b_Intercept", "b_sigma_Intercept"}
    assert len(shown) == len(names) == 11


@pytest.mark.nightly
def test_m5_people_who_walk_more():
    """What the tutorial meant to show: its own fit of m5 had not converged, and showed neither."""
    found = m5().hypothesis(["steps.pm > 0", "sigma_steps.pm < 0"]).table
    assert found["Post.Prob"].iloc[0] > 0.95 and found["Post.Prob"].iloc[1] > 0.5
    assert 0 < found["Estimate"].iloc[0] < 0.5 and -0.3 < found["Estimate"].iloc[1] < 0.2


@pytest.mark.nightly
def test_m5_predicted_along_average_steps():
    d = hm.load_dataset("williams")
    grid = np.linspace(d["steps.pm"].min(), d["steps.pm"].max(), 100)
    means = {name: d[name].mean() for name in ("PA_lag", "day", "NA_lag", "steps.pmd")}
    new = pd.DataFrame({"steps.pm": grid, **means})
    found = m5().predict(new, re_formula="NA", summary=True)
    expected = m5().epred(new, re_formula="NA", summary=True)
    assert len(found) == 100
    sigma = np.exp(m5().linpred(new, re_formula="NA", dpar="sigma", summary=True)["Estimate"])
    error = sigma / np.sqrt(m5().n_draws)
    assert (abs(found["Estimate"] - expected["Estimate"]) < 5 * error).all()
    assert found["Estimate"].iloc[-10:].mean() > found["Estimate"].iloc[:10].mean()
    ax = m5().plot.conditional("steps.pm", method="predict").axes[0]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), grid)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), found["Estimate"], atol=5 * error.max())
