"""Simulated cafés with the tutorial's priors, on the uncentred intercept: the truth is recovered."""

from __future__ import annotations

import hmlm as hm
from hmlm.datasets import simulate_cafes

from .agreement import assert_converged

FORMULA = "wait ~ 1 + afternoon + (1 + afternoon | cafe)"
PRIORS = """c(prior(normal(5, 2), class = b, coef = Intercept),
              prior(normal(-1, 0.5), class = b, coef = afternoon),
              prior(exponential(1), class = sd),
              prior(exponential(1), class = sigma),
              prior(lkj(2), class = cor))"""
PROBABILITY = 0.99
SEED = 5


def test_truth_is_inside_the_intervals():
    cafes = simulate_cafes(SEED)
    model = hm.model(hm.bf(FORMULA, center=False), cafes, prior=PRIORS)
    assert {"b_Intercept ~ normal(5, 2)", "b_afternoon ~ normal(-1, 0.5)"} <= set(stated(model))
    fit = model.fit(chains=4, warmup=500, draws=1000, seed=SEED)
    assert_converged(fit)
    summary = fit.summary(prob=PROBABILITY, variable=True).set_index("variable")
    truth = cafes.attrs["truth"]
    assert set(summary.index) == set(truth)
    low, high = summary.filter(regex="^l-").iloc[:, 0], summary.filter(regex="^u-").iloc[:, 0]
    outside = [name for name, value in truth.items() if not low[name] < value < high[name]]
    assert not outside, f"{outside}\n{summary.assign(truth=truth).to_string()}"


def stated(model: hm.Model) -> list[str]:
    """The model's priors as its plan prints them."""
    lines = model.explain().splitlines()
    return [line.removeprefix("prior: ") for line in lines if line.startswith("prior: ")]
