"""A formula of the residual correlation: density, scores and information by independent routes."""

from __future__ import annotations

from functools import cache

import jax
import numpy as np
import pytest

import hmlm as hm
from hmlm.density.likelihood import make_likelihood, named_log_likelihood
from hmlm.density.log_density import LogDensity
from hmlm.density.pilot import fit_pilot
from hmlm.density.precision import double_precision
from hmlm.density.residual_correlation import (
    correlation_information,
    correlation_score,
    factor_of,
)
from hmlm.kernels.gaussian import gaussian_each
from hmlm.types import HmlmError

from .test_marginal import assert_equals_dense, table

RESCOR = {
    "levels": ("y1 ~ x + (1 |c| g)", "y2 ~ 1", hm.set_rescor("~ between + (1 |c| g)")),
    "rows": (hm.bf("y1 ~ (1 |c| g)"), hm.bf("y2 ~ (1 |c| g)", sigma="~ w"), hm.set_rescor("~ w + (1 |c| g)")),
}


@cache
def density(name: str) -> LogDensity:
    return hm.model(RESCOR[name], table()).log_density


@pytest.mark.parametrize("name", ["levels", pytest.param("rows", marks=pytest.mark.nightly)])
def test_density_and_gradient_equal_the_dense_normal(name):
    assert (density(name).data.statistics is not None) == (name == "levels")
    assert density(name).plan.factors
    assert_equals_dense(density(name), atol=1e-8)


def likelihood(rescor: bool | str):
    model = hm.model(["y1 ~ x + (1 |c| g)", "y2 ~ (1 |c| g)", hm.set_rescor(rescor)], table())
    return make_likelihood(model.spec, model.design, fit_pilot(model.spec, model.design))


def test_a_constant_formula_is_the_ordinary_model():
    ordinary, stated = likelihood(True), likelihood("~ 1")
    rho = np.array([-0.9, -0.2, 0.0, 0.5, 0.99])
    known = {name: np.array(0.6) for name in ordinary.names if name != "rescor__y1__y2"}
    wanted = named_log_likelihood(ordinary, {**known, "rescor__y1__y2": rho})
    got = named_log_likelihood(stated, {**known, "b_rescor_Intercept": np.arctanh(rho)})
    np.testing.assert_allclose(got, wanted, rtol=1e-11)


def log_rows(point: jax.Array, noise: jax.Array) -> jax.Array:
    """Log density of one row at (log sigma_1, log sigma_2, eta)."""
    return gaussian_each(noise, point[:2], factor_of(point[2]))


def test_score_and_information_are_those_of_the_bivariate_normal():
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)  # exact: products of scores have degree 4
    white, mass = np.stack(np.meshgrid(nodes, nodes)).reshape(2, -1), np.outer(weights, weights).ravel()
    for eta in (-1.3, 0.4):
        rho, point = np.tanh(eta), np.array([0.0, 0.0, eta])
        noise = np.linalg.cholesky([[1.0, rho], [rho, 1.0]]) @ white
        with double_precision():
            scores = np.asarray(jax.vmap(jax.grad(log_rows), (None, 1))(point, noise))
        own = correlation_score(np.full(noise.shape[1], eta), (noise**2).sum(0), noise.prod(0))
        np.testing.assert_allclose(own, scores[:, 2], rtol=1e-9, atol=1e-12)
        information = scores.T * mass @ scores / mass.sum()
        np.testing.assert_allclose(information[2], [-rho, -rho, correlation_information(rho)], rtol=1e-9)


def test_pilot_finds_the_correlations():
    rng = np.random.default_rng(6)
    g, level = np.repeat(np.arange(60), 30), rng.normal(0, 0.4, 60)
    rho = np.tanh(0.5 + level)[g]
    first, second = rng.normal(size=(2, len(g)))
    data = {"y": first, "v": 2 + 3 * (rho * first + np.sqrt(1 - rho**2) * second), "g": g}
    model = hm.model(["y ~ 1", "v ~ 1", hm.set_rescor("~ (1 | g)")], data)
    working = fit_pilot(model.spec, model.design).working[model.spec.rescor_predictor]
    assert working.beta[0] == pytest.approx(0.5, abs=0.15)
    assert np.corrcoef(working.varying[0].mode[0], level)[0, 1] > 0.85


def test_explain_says_how_it_is_treated():
    model = hm.model(RESCOR["levels"], table())
    text = str(model.explain())
    assert "rescor_Intercept" in text and "they enter the residual correlation" in text
    native = "native" in text
    assert not native or "xla for the likelihood, whose residual correlation differs between rows" in text


def test_maximum_likelihood_says_what_to_do_instead():
    with pytest.raises(HmlmError, match=r"formula of the residual correlation; sample it"):
        hm.fit(["y1 ~ 1", "y2 ~ 1", hm.set_rescor("~ x")], table(), algorithm="ml")
