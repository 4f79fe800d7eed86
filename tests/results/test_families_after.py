"""What is read from a fit of any family: residuals, transforms, shares of variance, figures, pages."""

from __future__ import annotations

import warnings
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import polygamma

import hmlm as hm
from hmlm.density.laws.registry import law_of
from hmlm.results.pit import quantile_residuals
from hmlm.results.report.families import WORDINGS, wording_of
from hmlm.results.report.mathematics import model_parts
from hmlm.results.report.words import kind, notation, offset_predictors, sentence
from hmlm.spec.families import FAMILIES

from ..fake_sampling import fake_sampling
from ..families import FAMILY_FORMULAS, family_data
from ..nights import by_night

TRIALS_FAMILIES = ("binomial", "beta_binomial", "zero_inflated_binomial")
INTERCEPTS = {
    name: "y | trials(n) ~ x + (1 | g)" if name in TRIALS_FAMILIES else "y ~ x + (1 | g)"
    for name in FAMILY_FORMULAS
}


@cache
def made_up(name, formula=None):
    """A fit of a family to its simulated data, with draws around the pilot estimate."""
    table = family_data(name)(0).assign(t=np.resize([1.0, 2.0, 5.0], 96))
    with pytest.MonkeyPatch.context() as patch, fake_sampling(patch):
        return hm.fit(
            formula or INTERCEPTS[name], table, family=name, chains=2, draws=20, seed=3, progress=False
        )


def parts_of(fit):
    """Lines of the model's mathematics by title."""
    columns = tuple(outcome.column for outcome in fit.design.outcomes)
    parts = model_parts(fit.spec, columns, offset_predictors(fit.design))
    rows = {part.title: ElementTree.fromstring(part.mathml).find("mtable").findall("mtr") for part in parts}
    return {title: ["".join(row.itertext()) for row in found] for title, found in rows.items()}


# --- residuals and probability transforms ---------------------------------------------------------


def of_scipy(name, fit):
    """SciPy's distribution of every outcome, (S, N)."""
    mu = fit.epred(dpar="mu").values.reshape(40, -1)
    shape = fit.epred(dpar="shape").values.reshape(40, -1) if "shape" in fit.spec.family.dpars else None
    return {
        "poisson": lambda: stats.poisson(mu),
        "binomial": lambda: stats.binom(7, mu),
        "bernoulli": lambda: stats.bernoulli(mu),
        "negbinomial": lambda: stats.nbinom(shape, shape / (shape + mu)),
        "gamma": lambda: stats.gamma(shape, scale=mu / shape),
    }[name]()


@pytest.mark.parametrize("name", ["poisson", "binomial", "bernoulli", "negbinomial", "gamma"])
def test_pearson_residuals_are_over_the_familys_standard_deviation(name):
    fit = made_up(name)
    law, y = of_scipy(name, fit), fit.observed["y"].values
    got = fit.residuals(type="pearson").values.reshape(40, -1)
    np.testing.assert_allclose(got, (y - law.mean()) / law.std(), rtol=1e-6)
    np.testing.assert_allclose(fit.residuals().values.reshape(40, -1), y - law.mean(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["poisson", "binomial", "bernoulli", "negbinomial", "gamma"])
def test_quantile_residuals_lie_within_the_step_of_each_outcome(name):
    fit = made_up(name)
    law, y = of_scipy(name, fit), fit.observed["y"].values
    less = 1 if law_of(fit.spec.family).discrete else 0
    below, upto = law.cdf(y - less).mean(axis=0), law.cdf(y).mean(axis=0)
    got = stats.norm.cdf(quantile_residuals(fit)[0])
    assert (got >= below - 1e-9).all() and (got <= upto + 1e-9).all()
    if less:
        assert 0.2 < ((got - below) / (upto - below)).mean() < 0.8


def test_loo_pit_of_counts_is_uniform_where_the_model_is_right():
    fit = made_up("poisson")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.ComparisonWarning)
        pit, again = fit.loo_pit()["y"].values, fit.loo_pit()["y"].values
    np.testing.assert_array_equal(pit, again)
    assert stats.kstest(pit, "uniform").pvalue > 1e-3
    assert len(np.unique(pit)) == len(pit)


def test_truncated_outcomes_are_placed_within_their_bounds():
    fit = made_up("poisson", "y | trunc(lb = 0, ub = 60) ~ x + (1 | g)")
    law, y = stats.poisson(fit.epred(dpar="mu").values.reshape(40, -1)), fit.observed["y"].values
    inside = law.cdf(60)
    got = stats.norm.cdf(quantile_residuals(fit)[0])
    assert (got <= (law.cdf(y) / inside).mean(axis=0) + 1e-9).all()
    assert (got >= (law.cdf(y - 1) / inside).mean(axis=0) - 1e-9).all()


def test_censored_outcomes_have_no_place():
    table = family_data("gamma")(0).assign(c="none")
    table.loc[3, "c"] = "right"
    with pytest.MonkeyPatch.context() as patch, fake_sampling(patch):
        fit = hm.fit("y | cens(c) ~ x", table, family="gamma", chains=1, draws=5, progress=False)
    with pytest.raises(hm.HmlmError, match=r"'y' is censored.*fit.loo\(\)"):
        fit.loo_pit()
    assert [ax.get_ylabel() for ax in fit.plot.check().axes][0] == "Pearson residual"


def test_unknown_residuals_teach():
    with pytest.raises(hm.HmlmError, match="type='person'.*did you mean 'pearson'"):
        made_up("poisson").residuals(type="person")


# --- shares of variance ---------------------------------------------------------------------------


def share(fit, residual):
    tau = fit["sd_g__Intercept"].values ** 2
    return (tau / (tau + residual)).mean()


@pytest.mark.parametrize(
    ("name", "residual"),
    [
        ("bernoulli", lambda fit: np.pi**2 / 3),
        ("binomial", lambda fit: np.pi**2 / 3),
        ("gamma", lambda fit: polygamma(1, fit["shape"].values)),
        ("lognormal", lambda fit: fit["sigma"].values ** 2),
    ],
)
def test_icc_has_the_variance_of_the_family_on_the_scale_of_the_link(name, residual):
    fit = made_up(name)
    np.testing.assert_allclose(fit.icc()["Estimate"]["g"], share(fit, residual(fit)), rtol=1e-8)


@pytest.mark.parametrize("name", ["poisson", "negbinomial"])
def test_icc_of_counts_takes_the_mean_over_rows_and_levels(name):
    fit = made_up(name, None if name == "poisson" else "y ~ x + (1 | g)")
    tau = fit["sd_g__Intercept"].values
    eta = fit.linpred(re_formula="NA").values
    mu = np.exp(eta).mean(axis=-1) * np.exp(tau**2 / 2)
    more = 1 / fit["shape"].values if name == "negbinomial" else 0
    np.testing.assert_allclose(fit.icc()["Estimate"]["g"], share(fit, np.log1p(1 / mu + more)), rtol=1e-8)


def test_icc_of_a_probit_model_is_over_one():
    table = family_data("bernoulli")(0)
    with pytest.MonkeyPatch.context() as patch, fake_sampling(patch):
        fit = hm.fit(
            "y ~ x + (1 | g)", table, family="bernoulli(link = 'probit')", chains=1, draws=9, progress=False
        )
    np.testing.assert_allclose(fit.icc()["Estimate"]["g"], share(fit, 1.0), rtol=1e-8)


def test_icc_says_what_it_does_not_know():
    with pytest.raises(hm.HmlmError, match=r"shape has a formula.*fit\['b_shape_Intercept'\]"):
        made_up("negbinomial", FAMILY_FORMULAS["negbinomial"]).icc()
    table = family_data("bernoulli")(0)
    with pytest.MonkeyPatch.context() as patch, fake_sampling(patch):
        fit = hm.fit(
            "y ~ x + (1 | g)", table, family="bernoulli(link = 'cauchit')", chains=1, draws=9, progress=False
        )
    with pytest.raises(hm.HmlmError, match="bernoulli with link cauchit; it does with link 'logit'"):
        fit.icc()


def test_r2_of_binomial_outcomes_is_of_numbers_of_successes():
    fit = made_up("binomial")
    expected = 7 * fit.epred(dpar="mu").values.reshape(40, -1)
    left = fit.observed["y"].values - expected
    shares = expected.var(axis=1) / (expected.var(axis=1) + left.var(axis=1))
    np.testing.assert_allclose(fit.bayes_r2()["Estimate"]["R2"], shares.mean(), rtol=1e-8)


# --- figures --------------------------------------------------------------------------------------


def test_pp_check_of_counts_draws_a_bar_per_value():
    fit = made_up("binomial")
    ax = fit.plot.pp_check().axes[0]
    counts = np.bincount(fit.observed["y"].values.astype(int), minlength=8)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], counts)
    new = fit.predict(seed=0).values.reshape(40, -1)
    wanted = [(new == value).sum(axis=1).mean() for value in range(8)]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), wanted)


def test_pp_check_refuses_smooth_densities_of_counts():
    with pytest.raises(
        hm.HmlmError, match='"density": outcomes of the family poisson are whole numbers.*"bars"'
    ):
        made_up("poisson").plot.pp_check("density")
    with pytest.raises(hm.HmlmError, match='"bars": the family gamma is not of counts'):
        made_up("gamma").plot.pp_check("bars")


def test_pp_check_keeps_positive_outcomes_positive_and_tails_within_the_frame():
    gamma = made_up("gamma").plot.pp_check().axes[0]
    assert min(line.get_xdata().min() for line in gamma.lines) >= 0
    fit = made_up("student")
    y = fit.observed["y"].values
    low, high = fit.plot.pp_check().axes[0].get_xlim()
    assert y.min() - 2 * np.ptp(y) < low and high < y.max() + 2 * np.ptp(y)


def test_binomial_outcomes_are_shown_as_shares():
    fit = made_up("binomial")
    figure = fit.plot.spaghetti("x", levels=2)
    points = [ax.lines[0].get_ydata() for ax in figure.axes]
    assert all(((y >= 0) & (y <= 1)).all() for y in points)
    assert figure.axes[0].get_ylabel() == "y per trial"
    assert fit.plot.lines("x", ndraws=5).axes[0].lines[0].get_ydata().max() <= 1
    assert fit.plot.conditional().axes[0].get_ylabel() == "y per trial"
    assert fit.plot.conditional(trials=7).axes[0].get_ylabel() == "y"


def test_counts_of_a_rate_are_shown_per_unit():
    fit = made_up("poisson", "y | rate(t) ~ x + (1 | g)")
    assert fit.plot.conditional().axes[0].get_ylabel() == "y per unit"
    half = fit.conditional_effects("x", rate=2.0)["x"]["Estimate"] / 2
    np.testing.assert_allclose(fit.conditional_effects("x")["x"]["Estimate"], half)
    y, t = fit.observed["y"].values, fit.design.outcomes[0].additions["rate"]
    shown = np.concatenate([ax.lines[0].get_ydata() for ax in fit.plot.spaghetti("x", levels=8).axes])
    np.testing.assert_allclose(np.sort(shown), np.sort(y / t))


def test_columns_of_an_offset_are_held_at_their_mean():
    fit = made_up("poisson", "y ~ x + offset(log(t)) + (1 | g)")
    found = fit.conditional_effects("x")["x"]
    np.testing.assert_allclose(found["t"], fit.design.table["t"].mean())
    twice = fit.conditional_effects("x", conditions={"t": 2 * found["t"].iloc[0]})["x"]
    np.testing.assert_allclose(twice["Estimate"], 2 * found["Estimate"])


def test_levels_have_no_residuals_to_check():
    with pytest.raises(hm.HmlmError, match="the family cumulative are levels"):
        made_up("cumulative").plot.check()


@pytest.mark.parametrize(
    "name",
    by_night(
        sorted(set(FAMILY_FORMULAS) - {"cumulative", "categorical"}), "binomial", "negbinomial", "lognormal"
    ),
)
def test_check_of_every_family(name):
    axes = made_up(name).plot.check().axes
    assert len(axes) == 4
    assert axes[2].get_ylabel() in ("quantile residual", "Pearson residual")


def test_figures_of_normal_outcomes_say_so():
    with pytest.raises(hm.HmlmError, match=r"this one is poisson with link log\. .*fit.icc\(\)"):
        made_up("poisson").plot.residual_covariance()
    with pytest.raises(hm.HmlmError, match="on the log scale; fit.plot.caterpillar"):
        made_up("poisson").plot.separate()
    with pytest.raises(hm.HmlmError, match="the family poisson has no sigma"):
        made_up("poisson").plot.ranked_sigma()
    assert "log y" in made_up("lognormal").plot.residual_covariance().get_suptitle()


# --- words, symbols and the printed summary -------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "likelihood", "predictor"),
    [
        ("bernoulli", "yi∼Bernoulli(πi)", "logit(πi)="),
        ("binomial", "yi∼Binomial(ni,πi)", "logit(πi)="),
        ("poisson", "yi∼Poisson(μi)", "logμi="),
        ("negbinomial", "yi∼NegBinomial(μi,α)", "logμi="),
        ("gamma", "yi∼Gamma(α,α/μi)", "logμi="),
        ("student", "yi∼Student-t(ν,μi,σ)", "μi="),
        ("lognormal", "yi∼LogNormal(μi,σ)", "μi="),
    ],
)
def test_the_model_in_symbols(name, likelihood, predictor):
    parts = parts_of(made_up(name))
    assert parts["Likelihood"] == [likelihood]
    assert parts["Linear predictors"] == [f"{predictor}β0+β1xi+u0,j[i]"]


def test_constants_have_their_priors():
    assert "α∼Gamma(0.01,0.01)" in parts_of(made_up("negbinomial"))["Priors"]
    student = parts_of(made_up("student"))["Priors"]
    assert "ν∼Gamma>1(2,0.1)" in student and any(line.startswith("σ∼Student-t+(3,") for line in student)


def test_addition_terms_and_offsets_in_symbols_and_words():
    fit = made_up("negbinomial", "y | rate(t) + weights(n) ~ x + offset(log(t)) + (1 | g)")
    parts, notes = parts_of(fit), notation(fit.spec, fit.design)
    assert parts["Likelihood"] == ["yi∼NegBinomial(tiμi,tiα)"]
    assert parts["Linear predictors"] == ["logμi=β0+β1xi+u0,j[i]+oi"]
    assert any("offset of row i: log(t)" in note for note in notes)
    assert any("weight says: n." in note for note in notes) and any("from: t;" in note for note in notes)
    known = made_up("student", "y | se(t, sigma = TRUE) ~ x + (1 | g)")
    assert parts_of(known)["Likelihood"] == ["yi∼Student-t(ν,μi,si2+σ2)"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bernoulli", "y is either 0 or 1; the probability that y is 1, on the logit scale, depends on x"),
        ("poisson", "y is a count, Poisson distributed around its mean; the mean of y, on the log scale,"),
        ("student", "the number of degrees of freedom of y is the same in all rows"),
        ("lognormal", "the standard deviation of log y is the same in all rows"),
    ],
)
def test_the_model_in_words(name, said):
    fit = made_up(name)
    assert said in sentence(fit.spec, ("y",), 96)
    assert kind(fit.spec) == f"{WORDINGS[name].kind} multilevel model"


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_can_be_spoken_of(name):
    wording = wording_of(FAMILIES[name])
    known = {*FAMILIES[name].dpars, *FAMILIES[name].additions}
    parts = {part for argument in wording.arguments for part in argument.split("/") if not part.isdigit()}
    assert parts <= known and set(wording.words) <= set(FAMILIES[name].dpars)
    assert all("y" in wording.word(dpar, "y") for dpar in FAMILIES[name].dpars)


def test_labels_of_outcomes_are_explained():
    table = family_data("bernoulli")(0)
    table["answer"] = pd.Categorical(np.where(table["y"] > 0, "yes", "no"))
    model = hm.model("answer ~ x", table, family="bernoulli")
    assert "answer counts as 1 where it is yes, else as 0." in notation(model.spec, model.design)


def test_header_and_sections_are_brms():
    text = str(made_up("negbinomial"))
    assert text.startswith(
        " Family: negbinomial\n  Links: mu = log; shape = identity\nFormula: y ~ x + (1 | g)\n"
    )
    assert "Further Distributional Parameters:\n" in text and "\nshape " in text
    text = str(made_up("poisson", "y | weights(n) + rate(t) ~ x + (1 | g)"))
    assert "\nFormula: y | weights(n) + rate(t) ~ x + (1 | g)\n" in text and "Further" not in text


def test_priors_of_a_family_are_listed_as_in_brms():
    frame = hm.get_prior("y ~ x + (1 | g)", family_data("negbinomial")(0), family="negbinomial")
    assert frame["class"].value_counts().to_dict() == {"b": 2, "Intercept": 1, "sd": 3, "shape": 1}
    shape = frame[frame["class"] == "shape"].iloc[0]
    assert (shape["prior"], shape["lb"], shape["source"]) == ("gamma(0.01, 0.01)", "0", "default")


@pytest.mark.parametrize("name", ["bernoulli", "negbinomial"])
def test_the_page_of_a_family(name, tmp_path):
    pytest.importorskip("great_tables")
    page = made_up(name).report(tmp_path / "fit.html").read_text(encoding="utf-8")
    assert "Bars of the rows with each value of y" in page and "intraclass correlation" in page.lower()
    assert ("Further distributional parameters" in page) == (name == "negbinomial")
    assert "Without “" not in page
