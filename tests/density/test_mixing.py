"""Known covariances between levels: rotated, integrated out and recovered against one dense normal."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

import hmlm as hm
from hmlm.density.build import make_log_density
from hmlm.density.mixing import mixing_matrix
from hmlm.density.pilot import fit_pilot
from hmlm.density.plan import make_plan
from hmlm.density.precision import double_precision
from hmlm.results.kfold import rows_of
from hmlm.types import HmlmError

from ..helpers import related
from .dense import conditional_moments
from .test_marginal import assert_equals_dense, points, table

DATA2 = {"A": related(9), "B": related(4)}
INTEGRATED = {
    "alone": "y1 ~ x + (1 | gr(g, cov = A))",
    "with_crossed": "y1 ~ x + (1 | gr(g, cov = A)) + (1 | h)",
    "beside_a_larger_one": "y1 ~ x + (1 | g) + (1 + x | gr(h, cov = B))",
    "outcomes": [
        hm.bf("y1 ~ x + (1 |c| gr(g, cov = A))"),
        hm.bf("y2 ~ w + (1 |c| gr(g, cov = A))"),
        hm.set_rescor(),
    ],
}
SAMPLED = {
    "sigma_varies": hm.bf("y1 ~ x + (1 | gr(g, cov = A))", sigma="~ x"),
    "columns_differ": "y1 ~ x + (1 + x | gr(g, cov = A))",
    "two_blocks": "y1 ~ x + (1 | gr(g, cov = A)) + (0 + x | g)",
}


@cache
def density(name: str):
    return hm.model((INTEGRATED | SAMPLED)[name], table(), data2=DATA2).log_density


def test_mixing_has_the_covariance_and_a_diagonal_precision():
    A, d = related(6).to_numpy(), np.array([0.0, 3.0, 1.0, 0.0, 0.5, 7.0])
    W = mixing_matrix(A, d)
    np.testing.assert_allclose(W @ W.T, A, atol=1e-12)
    inner = W.T @ (d[:, None] * W)
    np.testing.assert_allclose(inner, np.diag(np.diag(inner)), atol=1e-12)
    np.testing.assert_array_equal(np.abs(np.diag(inner)) < 1e-10, d == 0.0)


@pytest.mark.parametrize("name", INTEGRATED)
def test_density_and_gradient_equal_the_dense_normal(name):
    fast = density(name)
    assert all(part.n_sampled == 0 for part in fast.plan.blocks)
    for block, mixing in zip(fast.spec.blocks, fast.data.mixing, strict=True):
        if block.known is not None:
            levels = list(fast.spec.factors[block.factor].levels)
            wanted = DATA2[block.known.name].loc[levels, levels]
            np.testing.assert_allclose(mixing @ mixing.T, wanted, atol=1e-10)
    assert_equals_dense(fast, atol=1e-8, n_points=1)


@pytest.mark.parametrize("name", ["alone", pytest.param("beside_a_larger_one", marks=pytest.mark.nightly)])
def test_recovered_effects_have_the_exact_conditional_moments(name):
    fast, n = density(name), 4000
    x = points(fast, 1)[0]
    with double_precision():
        mean, covariance = (np.asarray(part) for part in conditional_moments(fast, x))
    drawn = [u.swapaxes(1, 2).reshape(n, -1) for u in fast.effects(np.tile(x, (n, 1)), seed=3)]
    order = [b for f in fast.plan.factors for b, block in enumerate(fast.spec.blocks) if block.factor == f]
    flat = np.concatenate([drawn[b] for b in order], axis=1)
    error = np.sqrt(np.diag(covariance) / n)
    np.testing.assert_array_less(np.abs(flat.mean(0) - mean) / error, 4.5)
    spread = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    np.testing.assert_allclose(np.cov(flat.T) / spread, covariance / spread, atol=5 / np.sqrt(n))


@pytest.mark.parametrize("name", SAMPLED)
def test_what_no_rotation_separates_is_sampled(name):
    model = hm.model(SAMPLED[name], table(), data2=DATA2)
    known = [b for b, block in enumerate(model.spec.blocks) if block.known is not None]
    assert all(model.log_density.plan.blocks[b].n_sampled == model.spec.blocks[b].size for b in known)
    assert "known covariance A" in model.explain()
    with pytest.raises(HmlmError, match="levels of block 'g' have the known covariance 'A'"):
        hm.model(SAMPLED[name], table(), data2=DATA2, density={"g": "marginal"})
    with pytest.raises(HmlmError, match="nuts"):
        model.fit(algorithm="ml")


@pytest.mark.nightly
def test_effects_beside_sampled_ones_are_integrated_out():
    fast = density("two_blocks")
    assert [part.n_sampled for part in fast.plan.blocks] == [1, 0]
    assert_equals_dense(fast, atol=1e-8, n_points=1)


def test_slopes_of_a_balanced_design_are_integrated_out():
    data = pd.DataFrame({"g": np.repeat(np.arange(5), 4), "t": np.tile(np.arange(4.0), 5)})
    data["y"] = np.random.default_rng(0).normal(size=20)
    fast = hm.model("y ~ t + (1 + t | gr(g, cov = A))", data, data2=DATA2).log_density
    assert fast.plan.blocks[0].n_sampled == 0
    assert_equals_dense(fast, atol=1e-8, n_points=1)


def test_levels_without_rows_keep_their_place():
    model = hm.model(INTEGRATED["alone"], table(), data2=DATA2)
    kept = rows_of(model.design, ~np.isin(model.design.factors[0].index, [2, 5]))
    spec = replace(model.spec, n_rows=kept.n_rows)
    fast = make_log_density(spec, kept, fit_pilot(spec, kept), make_plan(spec, "auto"))
    assert_equals_dense(fast, atol=1e-8, n_points=1)


def test_the_marginal_likelihood_is_that_of_the_normal_written_out():
    data = table()
    model = hm.model(INTEGRATED["alone"], data, data2=DATA2)
    levels = [str(level) for level in data.g]
    covariance = 0.7**2 * DATA2["A"].loc[levels, levels].to_numpy() + 1.3**2 * np.eye(len(data))
    found = model.marginal_log_lik({"b_Intercept": 9.0, "b_x": 1.2, "sd_g__Intercept": 0.7, "sigma": 1.3})
    wanted = multivariate_normal(9.0 + 1.2 * data.x, covariance).logpdf(data.y1)
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_maximum_likelihood_gives_the_conditional_moments_of_levels():
    data = table()
    fit = hm.model(INTEGRATED["alone"], data, data2=DATA2).fit(algorithm="ml")
    found, levels = fit.ranef()["g"], [str(level) for level in data.g]
    own = DATA2["A"].loc[list(found["level"]), list(found["level"])].to_numpy()
    Z = (np.array(levels)[:, None] == found["level"].to_numpy()).astype(float)
    between = fit.params["sd_g__Intercept"] ** 2 * own
    gain = between @ Z.T @ np.linalg.inv(Z @ between @ Z.T + fit.params["sigma"] ** 2 * np.eye(len(data)))
    residual = data.y1 - fit.params["b_Intercept"] - fit.params["b_x"] * data.x
    np.testing.assert_allclose(found["Estimate"], gain @ residual, rtol=1e-6, atol=1e-8)
    sds = np.sqrt(np.diag(between - gain @ Z @ between))
    np.testing.assert_allclose(found["Est.Error"], sds, rtol=1e-6)
