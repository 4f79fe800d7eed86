"""Maximum-likelihood fits against dense algebra in NumPy, closed forms, and what they print."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize
from scipy.stats import chi2, norm

import hmlm as hm
from hmlm.density.profiled import evaluate
from hmlm.types import EstimationWarning

Z95 = norm.ppf(0.975)
SLOPES = "y ~ x + (1 + x | g)"
VARIANCES = ["sd_g__Intercept", "sd_g__x", "cor_g__Intercept__x", "sigma"]


@cache
def table() -> pd.DataFrame:
    """96 rows in 12 groups with clear varying intercepts and slopes."""
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(12), 8)
    x = rng.normal(1.0, 1.0, 96)
    u = rng.multivariate_normal([0, 0], [[1.0, 0.3], [0.3, 0.5]], 12)[g]
    y = 2.0 - 0.7 * x + u[:, 0] + u[:, 1] * x + 0.8 * rng.normal(size=96)
    return pd.DataFrame({"y": y, "x": x, "w": rng.normal(size=96), "g": g})


@cache
def fitted(formula: str, algorithm: str = "ml") -> hm.MlFit:
    return hm.fit(formula, table(), algorithm=algorithm, data_name="d")


@cache
def singular() -> hm.MlFit:
    """Pure noise: the groups' means vary less than chance would have it."""
    d = table().assign(y=np.tile(np.linspace(-1, 1, 8), 12) + 0.01 * table()["w"])
    with pytest.warns(EstimationWarning, match="boundary \\(singular\\) fit: .* of g is singular"):
        return hm.fit("y ~ x + (1 + x | g)", d, algorithm="ml")


# --- the dense oracle -----------------------------------------------------------------------------


def dense_parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """V, X and y at sd, sd, cor, sigma."""
    d = table()
    X = np.stack([np.ones(len(d)), d["x"]], axis=1)
    root = np.diag(values[:2])
    between = root @ np.array([[1, values[2]], [values[2], 1]]) @ root
    same = d["g"].to_numpy()[:, None] == d["g"].to_numpy()
    return same * (X @ between @ X.T) + values[3] ** 2 * np.eye(len(d)), X, d["y"].to_numpy()


def dense_log_likelihood(values: np.ndarray, *, restricted: bool, beta: np.ndarray | None = None) -> float:
    """At the best coefficients, or at ``beta``; with them integrated out if ``restricted``."""
    if abs(values[2]) > 1:
        return -np.inf
    V, X, y = dense_parts(values)
    inverse = np.linalg.inv(V)
    information = X.T @ inverse @ X
    beta = np.linalg.solve(information, X.T @ inverse @ y) if beta is None else beta
    rest = y - X @ beta
    value = -0.5 * (len(y) * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + rest @ inverse @ rest)
    if restricted:
        value += 0.5 * (len(beta) * np.log(2 * np.pi) - np.linalg.slogdet(information)[1])
    return value


def dense_hessian(function, at: np.ndarray, step: float = 1e-4) -> np.ndarray:
    eye = step * np.eye(len(at))
    second = lambda a, b: sum(s * t * function(at + s * a + t * b) for s in (1, -1) for t in (1, -1))
    return np.array([[second(a, b) for b in eye] for a in eye]) / (4 * step**2)


@pytest.mark.parametrize("algorithm", ["ml", "reml"])
def test_estimates_and_standard_errors_are_those_of_dense_algebra(algorithm):
    fit, restricted = fitted(SLOPES, algorithm), algorithm == "reml"
    values = fit.params[VARIANCES].to_numpy()
    target = lambda v: -dense_log_likelihood(v, restricted=restricted)
    assert fit.loglik == pytest.approx(-target(values), abs=1e-9)
    best = minimize(target, values * 1.1, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-11})
    np.testing.assert_allclose(values, best.x, atol=1e-4)
    covariance = np.linalg.inv(dense_hessian(target, values))
    np.testing.assert_allclose(fit.vcov.loc[VARIANCES, VARIANCES], covariance, rtol=1e-4, atol=1e-7)
    V, X, y = dense_parts(values)
    information = X.T @ np.linalg.inv(V) @ X
    names = ["b_Intercept", "b_x"]
    np.testing.assert_allclose(fit.vcov.loc[names, names], np.linalg.inv(information), rtol=1e-7)
    best_beta = np.linalg.solve(information, X.T @ np.linalg.inv(V) @ y)
    np.testing.assert_allclose(fit.params[names], best_beta, rtol=1e-8)
    assert (fit.vcov.loc[names, VARIANCES] == 0).all(axis=None)


def test_effects_are_the_dense_conditional_means_with_their_errors():
    fit, d = fitted(SLOPES), table()
    values = fit.params[VARIANCES].to_numpy()
    V, X, y = dense_parts(values)
    root = np.diag(values[:2])
    between = root @ np.array([[1, values[2]], [values[2], 1]]) @ root
    rest = y - X @ fit.params[["b_Intercept", "b_x"]].to_numpy()
    found = fit.ranef()["g"].set_index(["level", "term"])
    for level in range(12):
        own = X * (d["g"] == level).to_numpy()[:, None]
        gain = between @ own.T @ np.linalg.inv(V)
        rows = found.loc[str(level)]
        np.testing.assert_allclose(rows["Estimate"], gain @ rest, atol=1e-8)
        errors = np.sqrt(np.diag(between - gain @ own @ between))
        np.testing.assert_allclose(rows["Est.Error"], errors, atol=1e-8)


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_profile_intervals_of_variances_are_those_of_the_dense_likelihood(position):
    """At an end of the interval, the deviance at the best of the others is the quantile of chi squared.

    A correlation's interval may end at one before that.
    """
    fit, name = fitted(SLOPES), VARIANCES[position]
    values = fit.params[VARIANCES].to_numpy()
    for end in fit.confint(name, method="profile").loc[name]:
        others = lambda rest, end=end: -dense_log_likelihood(np.insert(rest, position, end), restricted=False)
        start = np.delete(values, position)
        best = minimize(others, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
        deviance, quantile = 2 * (best.fun + fit.loglik), chi2.ppf(0.95, 1)
        if end == pytest.approx(1.0, abs=1e-9) and name.startswith("cor"):
            assert deviance < quantile
        else:
            assert deviance == pytest.approx(quantile, abs=1e-4)


def test_profile_intervals_after_reml_are_those_of_the_full_likelihood():
    names = ["b_x", "sigma"]
    ml, reml = (fitted(SLOPES, a).confint(names, method="profile") for a in ("ml", "reml"))
    np.testing.assert_allclose(ml, reml, atol=1e-6)


def test_a_regression_without_groups_has_closed_forms():
    fit, d = fitted("y ~ x + w"), table()
    X = np.stack([np.ones(96), d["x"], d["w"]], axis=1)
    beta, (rss,), *_ = np.linalg.lstsq(X, d["y"], rcond=None)
    inverse = np.linalg.inv(X.T @ X)
    sigma = np.sqrt(rss / 96)
    names = ["b_Intercept", "b_x", "b_w"]
    np.testing.assert_allclose(fit.params[[*names, "sigma"]], [*beta, sigma], rtol=1e-8)
    np.testing.assert_allclose(fit.se[names], sigma * np.sqrt(np.diag(inverse)), rtol=1e-7)
    assert fit.se["sigma"] == pytest.approx(sigma / np.sqrt(2 * 96), rel=1e-6)
    assert fit.loglik == pytest.approx(-48 * (np.log(2 * np.pi * sigma**2) + 1), abs=1e-9)
    profile = fit.confint(method="profile")
    half = np.sqrt(np.expm1(Z95**2 / 96) * rss * np.diag(inverse))
    np.testing.assert_allclose(profile.loc[names, "u-95% CI"], beta + half, rtol=1e-5)
    np.testing.assert_allclose(profile.loc[names, "l-95% CI"], beta - half, rtol=1e-5)
    deviance = lambda s: 96 * (2 * np.log(s / sigma) + (sigma / s) ** 2 - 1) - Z95**2
    ends = brentq(deviance, 0.5 * sigma, sigma), brentq(deviance, sigma, 2 * sigma)
    np.testing.assert_allclose(profile.loc["sigma"], ends, rtol=1e-5)
    wald = fit.confint(["b_x", "sigma"])
    np.testing.assert_allclose(wald.loc["b_x"], beta[1] + fit.se["b_x"] * Z95 * np.array([-1, 1]), rtol=1e-8)
    spread = np.exp(Z95 / np.sqrt(2 * 96))
    np.testing.assert_allclose(wald.loc["sigma"], [sigma / spread, sigma * spread], rtol=1e-6)


def test_columns_far_from_zero_change_no_standard_error():
    """Years as they are let intercepts and slopes correlate at -0.999; errors were far too small."""
    near, far = fitted(SLOPES), hm.fit(SLOPES, table().assign(x=table()["x"] + 300.0), algorithm="ml")
    assert far.params["cor_g__Intercept__x"] < -0.999
    assert far.loglik == pytest.approx(near.loglik, abs=1e-8)
    for name in ("b_x", "sd_g__x", "sigma"):
        assert far.params[name] == pytest.approx(near.params[name], rel=1e-5)
        assert far.se[name] == pytest.approx(near.se[name], rel=1e-3)


# --- boundaries -----------------------------------------------------------------------------------


def test_a_standard_deviation_of_zero_is_found_and_said():
    fit = singular()
    assert fit.singular == ("g",) and fit.converged
    assert fit.params["sd_g__Intercept"] == 0.0
    assert np.isnan(fit.params["cor_g__Intercept__x"]) and np.isnan(fit.se["sd_g__Intercept"])
    assert fit.se[["b_Intercept", "b_x", "sigma"]].notna().all()
    assert "boundary (singular) fit" in repr(fit)
    low, high = fit.confint("sd_g__Intercept", method="profile").iloc[0]
    assert low == 0.0 and 0 < high < 0.5


def test_a_correlation_with_an_effect_that_may_be_zero_may_be_anything():
    """Across a standard deviation of zero a coordinate meets its mirror image: correlations of -1 as 1."""
    fit = weak_slopes()
    low, high = fit.confint("sd_g__w", method="profile").iloc[0]
    assert low == 0.0 and high > 0.0
    np.testing.assert_allclose(fit.confint("cor_g__Intercept__w", method="profile"), [[-1.0, 1.0]], atol=1e-9)


@cache
def weak_slopes() -> hm.MlFit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return hm.fit(
            "y ~ x + (1 + w | g)",
            table().assign(y=table()["y"] + 0.15 * table()["w"] * (table()["g"] % 2)),
            algorithm="ml",
        )


def test_the_likelihood_at_a_singular_fit_is_its_own():
    d = table().assign(y=np.tile(np.linspace(-1, 1, 8), 12) + 0.01 * table()["w"])
    again = hm.model("y ~ x + (1 + x | g)", d).marginal_log_lik(singular().params)
    assert again == pytest.approx(singular().loglik, abs=1e-7)


# --- tables and text ------------------------------------------------------------------------------


def test_criteria():
    fit = fitted(SLOPES)
    assert fit.df == 6 and fit.deviance == -2 * fit.loglik
    assert fit.aic == pytest.approx(fit.deviance + 12)
    assert fit.bic == pytest.approx(fit.deviance + 6 * np.log(96))


def test_var_corr_is_laid_out_as_lme4s():
    fit = fitted(SLOPES)
    found = fit.var_corr()
    assert found["grp"].tolist() == ["g", "g", "g", "Residual"]
    assert found["var2"].tolist() == [None, None, "x", None]
    sd, slope, cor, sigma = fit.params[VARIANCES]
    np.testing.assert_allclose(found["sdcor"], [sd, slope, cor, sigma])
    np.testing.assert_allclose(found["vcov"], [sd**2, slope**2, cor * sd * slope, sigma**2])


def test_the_text_says_what_it_is():
    text = repr(fitted(SLOPES, "reml"))
    for part in (
        " Method: restricted maximum likelihood (REML)\n",
        "Formula: y ~ x + (1 + x | g)\n",
        "   Data: d (Number of observations: 96)\n",
        "REML criterion",
        "~g (Number of levels: 12)\n",
        "cor(Intercept,x)",
        "A point\nestimate, not a posterior: no priors, no draws.",
    ):
        assert part in text, text
    assert "Warning" not in text


def test_summary_and_fixef_have_the_labels_of_a_posterior():
    fit = fitted(SLOPES)
    assert fit.summary().index.tolist() == [
        "sd(Intercept)",
        "sd(x)",
        "cor(Intercept,x)",
        "Intercept",
        "x",
        "sigma",
    ]
    assert fit.summary(variable=True)["variable"].tolist() == fit.params.index.tolist()
    assert fit.fixef(0.9).columns.tolist() == ["Estimate", "Est.Error", "l-90% CI", "u-90% CI"]
    assert fit.fixef().index.tolist() == ["Intercept", "x"]


# --- likelihood-ratio tests -----------------------------------------------------------------------


def test_anova_is_the_likelihood_ratio_test():
    small, large = fitted("y ~ 1 + (1 + x | g)"), fitted(SLOPES)
    found = hm.anova(full=large, null=small)
    statistic = 2 * (large.loglik - small.loglik)
    assert found.index.tolist() == ["null", "full"]
    np.testing.assert_allclose(found.loc["full", ["Chisq", "Df"]].astype(float), [statistic, 1])
    assert found.loc["full", "Pr(>Chisq)"] == pytest.approx(chi2.sf(statistic, 1))
    assert hm.anova(large, small).index.tolist() == ["y ~ 1 + (1 + x | g)", SLOPES]


def test_anova_refuses_what_does_not_compare():
    ml, reml = fitted(SLOPES), fitted(SLOPES, "reml")
    other = hm.fit(SLOPES, table().assign(y=table()["y"] + 1.0), algorithm="ml")
    for fits, message in (
        ((ml,), "two or more fits"),
        ((ml, "b"), "is a str; likelihood-ratio tests compare"),
        ((ml, reml), "differ in REML"),
        ((ml, other), "not fitted to the same outcomes"),
        (
            (reml, fitted("y ~ 1 + (1 + x | g)", "reml")),
            'REML fits with different coefficients.*algorithm="ml"',
        ),
    ):
        with pytest.raises(hm.HmlmError, match=message):
            hm.anova(*fits)


def test_a_level_per_row_is_said_to_be_flat():
    """Residuals and effects are the same thing then: only the sum of their variances is known."""
    d = table().assign(row=np.arange(96))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = hm.fit("y ~ x + (1 | row)", d, algorithm="ml")
    assert any(issubclass(w.category, EstimationWarning) for w in caught)
    assert "flat in some direction" in repr(fit)
    total = fit.params["sd_row__Intercept"] ** 2 + fit.params["sigma"] ** 2
    X = np.stack([np.ones(96), d["x"]], axis=1)
    assert total == pytest.approx(np.linalg.lstsq(X, d["y"], rcond=None)[1][0] / 96, rel=1e-6)


@pytest.mark.filterwarnings("ignore::hmlm.types.DataWarning")
def test_collinear_columns_have_no_single_maximum():
    prior = hm.prior("normal(0, 1)")  # under a posterior they are allowed
    model = hm.model("y ~ x + twice + (1 | g)", table().assign(twice=2 * table()["x"]), prior=prior)
    with pytest.raises(hm.HmlmError, match="the columns x, twice are collinear"):
        model.fit(algorithm="ml")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fitted(SLOPES).confint("b_X"), "no parameter 'b_X'; did you mean 'b_x'"),
        (lambda: fitted(SLOPES).confint(method="prof"), "did you mean 'profile'"),
        (lambda: fitted(SLOPES).confint(level=95), "level=95: a coverage lies between 0 and 1"),
        (lambda: fitted(SLOPES).summary(95), "prob = 95"),
        (lambda: hm.fit(SLOPES, table(), algorithm="rml"), "algorithm='rml' is unknown; did you mean 'reml'"),
        (lambda: hm.fit(SLOPES, table(), REML=True), "no argument 'REML'; use algorithm=\"reml\""),
    ],
    ids=["name", "method", "level", "prob", "algorithm", "REML"],
)
def test_mistakes_teach(call, message):
    with pytest.raises(hm.HmlmError, match=message):
        call()


def test_new_data_of_the_same_shape_compile_nothing():
    """Default priors are made from the data, and are no part of the program."""
    fitted(SLOPES)
    compiled = evaluate._cache_size()
    other = hm.fit(SLOPES, table().assign(y=5.0 + 3.0 * table()["y"]), algorithm="ml")
    assert evaluate._cache_size() == compiled
    np.testing.assert_allclose(other.params["sigma"], 3.0 * fitted(SLOPES).params["sigma"], rtol=1e-6)


def test_no_warning_where_there_is_nothing_to_warn_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hm.fit(SLOPES, table(), algorithm="ml")
