"""Draws from the prior: distributed as the priors say, and read like a fit."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from scipy import stats

import hmlm as hm

from ..families import FAMILY_FORMULAS, TESTED, family_data
from ..helpers import even, with_covariates
from ..nights import by_night

matplotlib.use("Agg")
N_DRAWS = 2000
PRIORS = [
    hm.prior("normal(1, 2)", class_="Intercept"),
    hm.prior("normal(0, 1)", lb=-0.5),
    hm.prior("exponential(2)", coef="w", lb=0),
    hm.prior("exponential(1)", class_="sd"),
    hm.prior("student_t(3, 0, 2.5)", class_="sd", coef="x", group="g"),
    hm.prior("cauchy(0, 1)", class_="sigma"),
    hm.prior("lkj(2)", class_="cor"),
]
FORMULA = "y ~ x + w + (1 + x + w | g)"


@pytest.fixture(scope="module")
def fit() -> hm.Fit:
    return hm.model(FORMULA, even(0), prior=PRIORS).sample_prior(draws=N_DRAWS, seed=1)


def above(truth, low):
    """The cdf of a distribution truncated below."""
    return lambda x: np.where(x < low, 0.0, (truth.cdf(x) - truth.cdf(low)) / truth.sf(low))


MARGINALS = {
    "b_x": above(stats.norm(), -0.5),
    "b_w": stats.expon(scale=0.5).cdf,
    "sd_g__Intercept": stats.expon().cdf,
    "sd_g__x": above(stats.t(3, 0, 2.5), 0),
    "sigma": above(stats.cauchy(), 0),
    "cor_g__Intercept__x": lambda rho: stats.beta(2.5, 2.5).cdf((rho + 1) / 2),
    "cor_g__x__w": lambda rho: stats.beta(2.5, 2.5).cdf((rho + 1) / 2),
}


@pytest.mark.parametrize("name", MARGINALS)
def test_parameters_are_distributed_as_their_priors_say(fit, name):
    assert stats.kstest(fit[name].values.ravel(), MARGINALS[name]).pvalue > 1e-4


def test_the_intercept_has_its_prior_at_the_means_of_the_columns(fit):
    data = even(0)
    centered = fit["b_Intercept"] + fit["b_x"] * data["x"].mean() + fit["b_w"] * data["w"].mean()
    assert stats.kstest(centered.values.ravel(), stats.norm(1, 2).cdf).pvalue > 1e-4


def test_group_effects_have_the_covariance_of_their_draw(fit):
    effects = fit.effects["r_g"]
    assert dict(effects.sizes) == {"chain": 1, "draw": N_DRAWS, "g": 6, "term": 3}
    first = (effects.sel(term="Intercept") / fit["sd_g__Intercept"]).values[0]
    rest = (effects.sel(term="x") / fit["sd_g__x"]).values[0]
    rho = fit["cor_g__Intercept__x"].values[0][:, None]
    assert stats.kstest(first.ravel(), stats.norm.cdf).pvalue > 1e-4
    assert stats.kstest(((rest - rho * first) / np.sqrt(1 - rho**2)).ravel(), stats.norm.cdf).pvalue > 1e-4


def test_equal_seeds_give_equal_draws_and_others_do_not(fit):
    model = hm.model(FORMULA, even(0), prior=PRIORS)
    again = model.fit(chains=2, draws=N_DRAWS // 2, seed=1, sample_prior="only")
    np.testing.assert_array_equal(again["b_x"], fit["b_x"])
    assert not np.array_equal(model.sample_prior(N_DRAWS, seed=2)["b_x"], fit["b_x"])


def test_outcomes_are_what_the_priors_predict(fit):
    new = fit.predict().values[0]
    data, draw = even(0), 7
    assert new.shape == (N_DRAWS, len(data))
    b = [fit[f"b_{name}"].values[0, draw] for name in ("Intercept", "x", "w")]
    own = b + fit.effects["r_g"].values[0, draw][data["g"].to_numpy()]
    mean = own[:, 0] + own[:, 1] * data["x"] + own[:, 2] * data["w"]
    np.testing.assert_allclose(fit.epred().values[0, draw], mean)
    residuals = (new - fit.epred().values[0]) / fit["sigma"].values[0][:, None]
    assert stats.kstest(residuals[::20].ravel(), stats.norm.cdf).pvalue > 1e-4


def test_what_reads_a_fit_reads_the_prior(fit):
    assert "independent draws from the prior" in repr(fit)
    assert fit.problems == ()
    assert fit.summary().shape[0] == len(fit.info.rows)
    assert "from the prior" in fit.plot.pp_check(ndraws=5).texts[0].get_text()
    assert list(fit.conditional_effects("x")) == ["x"]
    assert np.isfinite(fit.log_lik().values).all()


def test_it_is_saved_read_and_updated_as_a_prior(fit, tmp_path):
    fit.save(tmp_path / "prior.nc")
    read = hm.load_fit(tmp_path / "prior.nc")
    assert read.info == fit.info
    np.testing.assert_array_equal(read.effects["r_g"], fit.effects["r_g"])
    changed = read.update(prior=[*PRIORS, hm.prior("normal(5, 0.1)", coef="x")], draws=50)
    assert changed.info.of_prior
    assert changed["b_x"].values.mean() == pytest.approx(5, abs=0.2)


def test_without_saved_effects_none_are_made_up(fit, tmp_path):
    fit.save(tmp_path / "prior.nc", effects=False)
    with pytest.raises(hm.HmlmError, match="without group effects"):
        _ = hm.load_fit(tmp_path / "prior.nc").effects


def test_flat_priors_are_named_with_what_to_give():
    model = hm.model(hm.bf("y ~ x + w + (1 | g)", sigma="~ x"), even(0))
    with pytest.raises(hm.PriorError) as error:
        model.sample_prior()
    assert 'b_x, b_w: for example prior("normal(0, 1)", class_="b")' in str(error.value)
    assert 'b_sigma_x: for example prior("normal(0, 1)", class_="b", dpar="sigma")' in str(error.value)


def test_a_flat_prior_between_two_bounds_is_uniform():
    prior = hm.prior("", lb=-1, ub=3)
    drawn = hm.model("y ~ x", even(0), prior=prior).sample_prior(N_DRAWS)
    assert stats.kstest(drawn["b_x"].values.ravel(), stats.uniform(-1, 4).cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", by_night(FAMILY_FORMULAS, "negbinomial"))
def test_every_family_draws_from_its_default_priors_once_none_is_flat(name):
    stated = (FAMILY_FORMULAS[name], family_data(name)(0), TESTED[name])
    rows = hm.get_prior(*stated).query("prior == '(flat)'")
    prior = [hm.prior("normal(0, 0.2)", row["class"], dpar=row["dpar"]) for _, row in rows.iterrows()]
    drawn = hm.model(*stated, prior).sample_prior(50)
    assert all(np.isfinite(drawn[variable]).all() for variable in drawn.posterior)
    assert drawn.predict().sizes["draw"] == 50


def test_residual_correlations_are_drawn():
    formula = [hm.bf("y ~ 1 + (1 |c| g)"), hm.bf("v ~ 1 + (1 |c| g)"), hm.set_rescor()]
    drawn = hm.model(formula, even(0), prior=hm.prior("lkj(3)", class_="rescor")).sample_prior(N_DRAWS)
    rho = drawn["rescor__y__v"].values.ravel()
    assert stats.kstest((rho + 1) / 2, stats.beta(3, 3).cdf).pvalue > 1e-4


def test_standard_deviations_that_depend_on_covariates_have_priors_too():
    formula = hm.bf("y ~ x + (1 | g)", sd={"g": "~ age"})
    stated = [hm.prior("normal(0, 1)"), hm.prior("normal(0, 0.3)", dpar="sd_g")]
    with pytest.raises(hm.PriorError, match='b_sd_g_age: for example .*class_="b", dpar="sd_g"'):
        hm.model(formula, with_covariates(0), prior=stated[0]).sample_prior()
    drawn = hm.model(formula, with_covariates(0), prior=stated).sample_prior(N_DRAWS)
    assert stats.kstest(drawn["b_sd_g_age"].values.ravel(), stats.norm(0, 0.3).cdf).pvalue > 1e-4
    assert np.isfinite(drawn.effects["r_g"]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sample_prior": "yes"}, "m.sample_prior()"),
        ({"sample_prior": "only", "algorithm": "ml"}, "leave algorithm and file out"),
    ],
)
def test_what_fit_cannot_do_with_priors_is_explained(settings, message):
    with pytest.raises(hm.HmlmError) as error:
        hm.model("y ~ 1", even(0)).fit(**settings)
    assert message in str(error.value)
