"""The marginal likelihood by names against one dense normal in NumPy, and its errors."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

import hmlm as hm

VALUES = {
    "b_Intercept": 0.8,
    "b_x": -0.3,
    "sd_g__Intercept": 0.9,
    "sd_g__x": 0.5,
    "cor_g__Intercept__x": -0.4,
    "sd_h__Intercept": 0.6,
    "sigma": 1.3,
}


@cache
def table() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    g, h = rng.integers(0, 7, 60), rng.integers(0, 4, 60)
    x = rng.normal(2.0, 1.0, 60)
    y = 1.0 + 0.5 * x + rng.normal(size=7)[g] + rng.normal(size=4)[h] + rng.normal(size=60)
    return pd.DataFrame({"y": y, "x": x, "g": g, "h": h, "y2": y**2 / 5, "w": rng.normal(size=60)})


@cache
def model() -> hm.Model:
    return hm.model("y ~ x + (1 + x | g) + (1 | h)", table())


def dense(values: dict[str, float]) -> float:
    d = table()
    between = np.diag([values["sd_g__Intercept"], values["sd_g__x"]])
    cor = values["cor_g__Intercept__x"]
    between = between @ np.array([[1, cor], [cor, 1]]) @ between
    Z = np.stack([np.ones(60), d["x"]], axis=1)
    same_g = d["g"].to_numpy()[:, None] == d["g"].to_numpy()
    same_h = d["h"].to_numpy()[:, None] == d["h"].to_numpy()
    covariance = same_g * (Z @ between @ Z.T) + same_h * values["sd_h__Intercept"] ** 2
    covariance = covariance + values["sigma"] ** 2 * np.eye(60)
    mean = values["b_Intercept"] + values["b_x"] * d["x"]
    return multivariate_normal(mean, covariance, allow_singular=False).logpdf(d["y"])


def test_it_is_the_dense_normals_density_of_uncentred_columns():
    assert abs(model().marginal_log_lik(VALUES) - dense(VALUES)) < 1e-9


@pytest.mark.parametrize(
    "boundary",
    [{"sd_g__x": 0.0}, {"cor_g__Intercept__x": 1.0}, {"sd_g__Intercept": 0.0}, {"sd_h__Intercept": 0.0}],
    ids=str,
)
def test_singular_covariances_are_allowed(boundary):
    values = {**VALUES, **boundary}
    assert abs(model().marginal_log_lik(values) - dense(values)) < 1e-9


def test_draws_give_a_value_each():
    sigma = np.array([[0.9, 1.0, 1.1], [1.2, 1.3, 1.4]])
    found = model().marginal_log_lik({**VALUES, "sigma": sigma})
    expected = [[dense({**VALUES, "sigma": value}) for value in row] for row in sigma]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_priors_are_no_part_of_it():
    narrow = hm.model("y ~ x + (1 + x | g) + (1 | h)", table(), prior=hm.prior("normal(0, 0.001)"))
    assert narrow.marginal_log_lik(VALUES) == pytest.approx(model().marginal_log_lik(VALUES), abs=1e-10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b_X": 1.0}, "no parameter 'b_X'; did you mean 'b_x'"),
        ({"sigma": -1.0}, "sigma = -1: a standard deviation must be positive"),
        ({"sd_g__x": -0.1}, "sd_g__x = -0.1: a standard deviation cannot be negative"),
        ({"cor_g__Intercept__x": 1.2}, "cor_g__Intercept__x = 1.2: no correlation matrix"),
        ({"b_x": np.inf}, "b_x = inf: not a finite number"),
        ({"b_x": "much"}, "b_x='much' must be a number"),
    ],
    ids=lambda part: str(part)[:20],
)
def test_wrong_values_teach(change, message):
    with pytest.raises(hm.HmlmError, match=message):
        model().marginal_log_lik({**VALUES, **change})


def test_missing_values_are_named():
    with pytest.raises(hm.HmlmError, match="no value for b_x, sigma"):
        model().marginal_log_lik({k: v for k, v in VALUES.items() if k not in ("b_x", "sigma")})


def test_effects_on_sigma_have_no_closed_form():
    melsm = hm.model(hm.bf("y ~ x + (1 | c | g)", sigma="~ 1 + (1 | c | g)"), table())
    for call in (lambda: melsm.marginal_log_lik({}), lambda: melsm.fit(algorithm="ml")):
        with pytest.raises(hm.HmlmError, match="'g' on sigma cannot be integrated out.*algorithm=\"nuts\""):
            call()
