"""Simulated cafés with the tutorial's priors, on the uncentred intercept: the truth is recovered."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.datasets import simulate_cafes
from hmlm.datasets.cafes import CAFES_TRUTH
from hmlm.datasets.effects import group_effects
from hmlm.results.plots.correlation_prior import lkj_marginal

from .agreement import assert_converged

FORMULA = "wait ~ 1 + afternoon + (1 + afternoon | cafe)"
PRIORS = """c(prior(normal(5, 2), class = b, coef = Intercept),
              prior(normal(-1, 0.5), class = b, coef = afternoon),
              prior(exponential(1), class = sd),
              prior(exponential(1), class = sigma),
              prior(lkj(2), class = cor))"""
PROBABILITY = 0.99
SEED = 5


TERMS = ("Intercept", "afternoon")


@cache
def model() -> hm.Model:
    return hm.model(hm.bf(FORMULA, center=False), simulate_cafes(SEED), prior=PRIORS)


@cache
def fitted() -> hm.Fit:
    return model().fit(chains=4, warmup=500, draws=1000, seed=SEED)


@pytest.mark.parametrize(("rho", "sds"), [(0.0, (1, 1)), (0.5, (1, 1)), (-0.8, (1, 1)), (-0.7, (1, 0.5))])
def test_simulated_effects_have_the_covariance_that_is_asked_for(rho, sds):
    """The tutorial's ``mvrnorm`` for four matrices, the last ``diag(sigmas) %*% Rho %*% diag(sigmas)``."""
    truth = {f"sd_cafe__{term}": sd for term, sd in zip(TERMS, sds, strict=True)}
    truth["cor_cafe__Intercept__afternoon"] = rho
    n = 20_000
    sample = np.cov(group_effects(np.random.default_rng(1), truth, "cafe", TERMS, n).T)
    wanted = np.diag(sds) @ np.array([[1, rho], [rho, 1]]) @ np.diag(sds)
    np.testing.assert_allclose(sample, wanted, atol=4 * np.sqrt(2 / n))


def test_covariance_of_cafes_as_printed():
    sds, rho = (
        [CAFES_TRUTH[f"sd_cafe__{term}"] for term in TERMS],
        CAFES_TRUTH["cor_cafe__Intercept__afternoon"],
    )
    covariance = np.diag(sds) @ np.array([[1, rho], [rho, 1]]) @ np.diag(sds)
    np.testing.assert_allclose(covariance, [[1.00, -0.35], [-0.35, 0.25]])


def test_truth_is_inside_the_intervals():
    assert {"b_Intercept ~ normal(5, 2)", "b_afternoon ~ normal(-1, 0.5)"} <= set(stated(model()))
    fit = fitted()
    assert_converged(fit)
    summary = fit.summary(prob=PROBABILITY, variable=True).set_index("variable")
    truth = simulate_cafes(SEED).attrs["truth"]
    assert set(summary.index) == set(truth)
    low, high = summary.filter(regex="^l-").iloc[:, 0], summary.filter(regex="^u-").iloc[:, 0]
    outside = [name for name, value in truth.items() if not low[name] < value < high[name]]
    assert not outside, f"{outside}\n{summary.assign(truth=truth).to_string()}"


def test_correlation_with_its_prior():
    """``dens(post$Rho[,1,2])`` over that of ``rlkjcorr(1e4, K=2, eta=2)``, 0.75 (1 - rho²)."""
    [ax] = fitted().plot.correlation_prior().axes
    posterior, prior = ax.lines
    rho = prior.get_xdata()
    np.testing.assert_allclose(prior.get_ydata(), lkj_marginal(rho, 2.0, 2))
    np.testing.assert_allclose(prior.get_ydata(), 0.75 * (1 - rho**2), atol=1e-12)
    assert posterior.get_xdata()[np.argmax(posterior.get_ydata())] < -0.3


def test_cafes_are_pulled_towards_the_population():
    """Observed means and differences of means, and the posterior's: the latter nearer to the average café."""
    d = simulate_cafes(SEED)
    means = d.pivot_table(index="cafe", columns="afternoon", values="wait")
    observed = np.column_stack([means[0], means[1] - means[0]])
    alone, partial = (c.get_offsets() for c in fitted().plot.shrinkage().axes[0].collections[:2])
    np.testing.assert_allclose(alone, observed, rtol=1e-8)
    table = fitted().coef()["cafe"]
    for q, term in enumerate(TERMS):
        np.testing.assert_allclose(partial[:, q], of_term(table, term)["Estimate"], rtol=1e-8)
    center = fitted().fixef()["Estimate"].to_numpy()
    sds = np.array([float(fitted()[f"sd_cafe__{term}"].mean()) for term in TERMS])
    distance = [np.square((points - center) / sds).sum() for points in (alone, partial)]
    assert distance[1] < distance[0]


def stated(model: hm.Model) -> list[str]:
    """The model's priors as its plan prints them."""
    lines = model.explain().splitlines()
    return [line.removeprefix("prior: ") for line in lines if line.startswith("prior: ")]


def of_term(table: pd.DataFrame, term: str) -> pd.DataFrame:
    return table[table["term"] == term]
