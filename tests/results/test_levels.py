"""Fits of families of levels: probabilities of every category, codes, storage, what isn't defined."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import hmlm as hm
from hmlm.types import HmlmError

from ..nights import by_night

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")

LEVELS = ("low", "mid", "high", "top")
CUTS = np.array([-1.0, 0.5, 1.8])
DRAWS = 60


def simulated(n_groups: int, n_each: int, seed: int, noise=stats.logistic) -> pd.DataFrame:
    """Four ordered levels of a latent outcome with slope 0.8 and varying intercepts of sd 0.6."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), n_each)
    x = rng.normal(1.0, 1.0, len(g))
    latent = 0.8 * x + rng.normal(0, 0.6, n_groups)[g] + noise.rvs(size=len(g), random_state=rng)
    y = pd.Categorical.from_codes(np.searchsorted(CUTS, latent), LEVELS, ordered=True)
    return pd.DataFrame({"y": y, "x": x, "g": g})


@pytest.fixture(scope="module", params=["cumulative", "categorical"])
def fit(request) -> hm.Fit:
    data = simulated(8, 15, 3)
    return hm.fit("y ~ x + (1 | g)", data, request.param, chains=2, warmup=80, draws=DRAWS, progress=False)


def by_hand(fit: hm.Fit) -> np.ndarray:
    """(chain, draw, row, category) probabilities from the draws."""
    data, draw = fit.design.table, fit.posterior
    x, g = data["x"].to_numpy(), data["g"].to_numpy()
    if fit.spec.family.name == "cumulative":
        u = fit.effects["r_g"].sel(term="Intercept").values[..., g]
        eta = draw["b_x"].values[..., None] * x + u
        cuts = np.stack([draw[f"b_Intercept[{k}]"].values for k in (1, 2, 3)], axis=-1)
        below = stats.logistic.cdf(cuts[:, :, None] - eta[..., None])
        return np.diff(below, axis=-1, prepend=0.0, append=1.0)
    odds = [np.ones(draw["lp"].shape + x.shape) if "lp" in draw else 1.0]
    for level in LEVELS[1:]:
        u = fit.effects[f"r_g__mu{level}"].sel(term="Intercept").values[..., g]
        slope, intercept = draw[f"b_mu{level}_x"].values, draw[f"b_mu{level}_Intercept"].values
        odds.append(np.exp(intercept[..., None] + slope[..., None] * x + u))
    odds = np.stack(np.broadcast_arrays(*odds), axis=-1)
    return odds / odds.sum(-1, keepdims=True)


def test_expected_values_are_the_probabilities_of_the_categories(fit):
    found = fit.epred()
    assert found.dims == ("chain", "draw", "row", "category")
    assert list(found["category"].values) == list(LEVELS)
    np.testing.assert_allclose(found.values, by_hand(fit), rtol=1e-8)


def test_log_likelihood_is_the_logarithm_of_the_observed_categorys_probability(fit):
    codes = fit.design.outcomes[0].values.astype(int)
    wanted = np.log(np.take_along_axis(by_hand(fit), codes[None, None, :, None], -1)[..., 0])
    np.testing.assert_allclose(fit.log_lik().values, wanted, rtol=1e-5, atol=1e-6)


def test_new_outcomes_are_codes_with_their_levels(fit):
    new = fit.predict()
    assert new.attrs["levels"] == list(LEVELS)
    assert set(np.unique(new)) <= {0.0, 1.0, 2.0, 3.0}
    shares = (new.values[..., None] == np.arange(4)).mean((0, 1, 2))
    wanted = by_hand(fit).mean((0, 1, 2))
    error = np.sqrt(wanted * (1 - wanted) / new.size)
    assert np.all(np.abs(shares - wanted) < 5 * error)


@pytest.mark.parametrize("formula", by_night(["y ~ x", "y ~ 1", "y ~ 1 + (1 | g)"], "y ~ 1 + (1 | g)"))
def test_thresholds_increase_in_every_draw(formula):
    data = simulated(4, 12, 5)
    fitted = hm.fit(formula, data, "cumulative(probit)", chains=1, warmup=50, draws=50, progress=False)
    cuts = np.stack([fitted.posterior[f"b_Intercept[{k}]"].values for k in (1, 2, 3)])
    assert np.all(np.diff(cuts, axis=0) > 0)
    shares = np.bincount(data["y"].cat.codes) / len(data)
    np.testing.assert_allclose(fitted.epred().mean(("chain", "draw", "row")), shares, atol=0.1)


def test_linear_predictors(fit):
    found = fit.linpred()
    ordered = fit.spec.family.name == "cumulative"
    assert found.dims == ("chain", "draw", "row") + (() if ordered else ("category",))
    if not ordered:
        assert list(found["category"].values) == list(LEVELS[1:])
        np.testing.assert_allclose(found.sel(category="mid"), fit.linpred(dpar="mumid"), rtol=1e-12)
    else:
        np.testing.assert_array_equal(fit.epred(dpar="disc"), 1.0)


def test_new_data_new_levels_and_summaries(fit):
    new = pd.DataFrame({"x": [0.0, 2.0], "g": [0, 99]})
    found = fit.epred(new, allow_new_levels=True)
    np.testing.assert_allclose(found.sum("category"), 1.0, rtol=1e-9)
    table = fit.epred(new, re_formula="NA", summary=True)
    assert table.index.names == ["category", "row"]
    np.testing.assert_allclose(table["Estimate"].groupby("row").sum(), 1.0, rtol=1e-9)


def test_saved_and_loaded(fit, tmp_path):
    fit.save(tmp_path / "fit.nc")
    again = hm.load_fit(tmp_path / "fit.nc")
    pd.testing.assert_frame_equal(again.summary(), fit.summary())
    np.testing.assert_allclose(again.epred(), fit.epred(), rtol=1e-9)
    np.testing.assert_array_equal(again.predict(), fit.predict())
    assert again.spec.family == fit.spec.family


def test_arviz_has_the_names(fit):
    names = set(fit.to_arviz().posterior.data_vars)
    ordered = fit.spec.family.name == "cumulative"
    assert ({"b_Intercept[1]", "b_x"} if ordered else {"b_mumid_Intercept", "b_mutop_x"}) <= names
    assert "Intercept[1]" in fit.summary().index or not ordered


def test_conditional_effects_and_marginal_means_by_category(fit):
    table = fit.conditional_effects("x")["x"]
    assert list(table["category"].unique()) == list(LEVELS)
    totals = table.groupby("x")["Estimate"].sum()
    np.testing.assert_allclose(totals, 1.0, rtol=1e-9)
    means = fit.marginal_means("x", [0.0, 1.0])
    assert len(means) == 8 and list(means["category"][:4]) == list(LEVELS)
    np.testing.assert_allclose(means.groupby("x")["Estimate"].sum(), 1.0, rtol=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_loo_and_coefficients(fit):
    assert np.isfinite(fit.loo().elpd)
    assert set(fit.coef()) == {"g"}


@pytest.mark.parametrize("what", ["bayes_r2", "residuals"])
def test_what_is_not_defined_says_so(fit, what):
    with pytest.raises(HmlmError, match="not defined for an outcome of levels"):
        getattr(fit, what)()


@pytest.mark.parametrize("kind", ["bars", "ecdf", "group"])
def test_predictive_checks_count_levels(fit, kind):
    figure = fit.plot.pp_check(kind=kind)
    if kind == "bars":
        ax = figure.axes[0]
        codes = fit.design.outcomes[0].values
        heights = [bar.get_height() for bar in ax.patches]
        np.testing.assert_allclose(heights, [(codes == k).sum() for k in range(4)])


def test_conditional_effects_have_a_panel_per_category(fit):
    labels = [ax.get_ylabel() for ax in fit.plot.conditional("x").axes if ax.get_visible()]
    assert labels[:4] == [f"P(y = {level})" for level in LEVELS]


# --- recovery -------------------------------------------------------------------------------------


NOISE = {"logit": stats.logistic, "probit": stats.norm, "cloglog": stats.gumbel_l}


@pytest.mark.nightly
@pytest.mark.parametrize("link", NOISE)
def test_cumulative_recovers_what_made_the_data(link):
    data = simulated(60, 25, 11, NOISE[link])
    fitted = hm.fit(
        "y ~ x + (1 | g)", data, f"cumulative({link})", warmup=300, draws=300, seed=1, progress=False
    )
    truth = {"b_x": 0.8, "sd_g__Intercept": 0.6} | {f"b_Intercept[{k + 1}]": c for k, c in enumerate(CUTS)}
    _close(fitted, truth)


@pytest.mark.nightly
def test_categorical_recovers_what_made_the_data():
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(60), 25)
    x = rng.normal(size=len(g))
    truth = {"b_muB_Intercept": 0.5, "b_muB_x": -0.7, "b_muC_Intercept": -0.4, "b_muC_x": 0.9}
    sd = {"sd_g__muB_Intercept": 0.5, "sd_g__muC_Intercept": 0.8}
    eta = [
        truth[f"b_mu{c}_Intercept"] + truth[f"b_mu{c}_x"] * x + rng.normal(0, s, 60)[g]
        for c, s in zip("BC", sd.values(), strict=True)
    ]
    utility = np.stack([np.zeros_like(x), *eta]) + rng.gumbel(size=(3, len(x)))
    data = pd.DataFrame({"y": np.array(list("ABC"))[utility.argmax(0)], "x": x, "g": g})
    fitted = hm.fit("y ~ x + (1 | g)", data, "categorical", warmup=300, draws=300, seed=1, progress=False)
    _close(fitted, truth | sd)


def _close(fitted: hm.Fit, truth: dict[str, float]) -> None:
    for name, value in truth.items():
        draws = fitted.posterior[name].values
        assert abs(draws.mean() - value) < 3.5 * draws.std(), name
