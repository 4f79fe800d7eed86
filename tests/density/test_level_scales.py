"""Standard deviations that differ between levels: densities and recovered effects against dense normals."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

import hmlm as hm
from hmlm.density.coordinates import Coordinates
from hmlm.density.draws import NamedDraws
from hmlm.density.groupwise import group_log_likelihood
from hmlm.density.log_density import LogDensity, group_effects
from hmlm.density.precision import double_precision
from hmlm.density.state import state_at
from hmlm.types import HmlmError

from ..helpers import planned, stated
from .dense import conditional_moments
from .test_marginal import assert_equals_dense, points, table

SD = {"g": "~ between + sex"}
FORMULAS = {
    "one": hm.bf("y1 ~ x + (1 + x | g)", sd=SD),
    "one of two": hm.bf("y1 ~ x + (1 + x | g)", sd={"g__x": "~ between"}),
    "crossed": hm.bf("y1 ~ x + (1 + x | g) + (1 | h)", sd={**SD, "h": "~ size"}),
    "crossed, the other": hm.bf("y1 ~ x + (1 + x | g) + (1 | h)", sd={"h": "~ size"}),
    "nested": hm.bf("y1 ~ x + (1 + x | g) + (1 | g:ward)", sd=SD),
    "nested, the finer": hm.bf("y1 ~ x + (1 | g) + (1 | g:ward)", sd={"g:ward": "~ between"}),
    "scale": hm.bf("y1 ~ x + (1 + x |c| g)", sigma="~ w + (1 |c| g)", sd=SD),
    "scale's own": hm.bf(
        "y1 ~ x + (1 |c| g)", sigma="~ w + (1 |c| g)", sd={**SD, "g__sigma_Intercept": "~ between"}
    ),
}
SLOW = ("one of two", "crossed, the other", "nested, the finer", "scale's own")


@cache
def density(name: str) -> LogDensity:
    frame = table()
    frame = frame.assign(sex=np.array(["f", "m"])[frame.g % 2], size=np.array([0.5, -1.0, 2.0, 0.1])[frame.h])
    return hm.model(FORMULAS[name], frame).log_density


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.nightly] if n in SLOW else []) for n in FORMULAS]
)
def test_density_and_gradient_equal_the_dense_normal(name):
    assert any(part.n_sampled < 2 for part in density(name).plan.blocks)
    assert_equals_dense(density(name), atol=1e-8)


@pytest.mark.parametrize("name", ["one", "crossed", "nested", "scale"])
def test_recovered_effects_have_the_exact_conditional_moments(name):
    fast, n_draws = density(name), 4000
    with double_precision():
        x = points(fast, 1)[0]
        mean, covariance = conditional_moments(fast, x)
        state = state_at(fast.static, x, fast.data)
        keys = jax.random.split(jax.random.key(1), n_draws)
        drawn = jax.jit(jax.vmap(lambda key: group_effects(fast.static, x, key, fast.data)))(keys)
    deviations = np.concatenate(
        [
            np.asarray(drawn[b][:, q] - state.u[b][q])
            for factor in fast.plan.factors
            for b, q in fast.plan.integrated(fast.spec, factor)
        ],
        axis=1,
    )
    sd = np.sqrt(np.diag(covariance))
    error = sd / np.sqrt(n_draws)
    np.testing.assert_allclose((deviations.mean(0) - mean) / error, 0.0, atol=4.5)
    np.testing.assert_allclose(deviations.std(0) / sd, 1.0, atol=4.5 / np.sqrt(2 * n_draws))


def test_marginal_likelihood_is_that_of_one_normal_with_a_standard_deviation_per_level():
    model = stated("between")
    frame = model.design.table
    values = {"b_Intercept": 1.7, "b_x": 0.6, "sigma": 0.9, "sd_g__Intercept": 0.7, "sd_g__x": 0.4}
    values |= {"cor_g__Intercept__x": 0.3, "b_sd_g_age": 0.8}
    age = frame.groupby("g").age.first().to_numpy()
    scale = np.exp(0.8 * (age - age.mean()))[frame.g]
    columns = np.stack([np.ones(len(frame)), frame.x]) * scale
    between = np.array([[0.49, 0.3 * 0.28], [0.3 * 0.28, 0.16]])
    same = frame.g.to_numpy()[:, None] == frame.g.to_numpy()
    covariance = columns.T @ between @ columns * same + 0.81 * np.eye(len(frame))
    expected = multivariate_normal.logpdf(frame.y, 1.7 + 0.6 * frame.x, covariance)
    np.testing.assert_allclose(model.marginal_log_lik(values), expected, rtol=1e-10)


def test_where_nothing_is_known_of_gamma_effects_are_those_of_shared_standard_deviations():
    with_formula, without = stated("between"), hm.model("y ~ x + (1 + x | g)", stated("between").design.table)
    values = {"b_Intercept": 1.7, "b_x": 0.6, "sigma": 0.9, "sd_g__Intercept": 0.7, "sd_g__x": 0.4}
    values |= {"cor_g__Intercept__x": 0.3}
    shared = without.marginal_log_lik(values)
    np.testing.assert_allclose(
        with_formula.marginal_log_lik({**values, "b_sd_g_age": 0.0}), shared, rtol=1e-12
    )
    assert abs(with_formula.marginal_log_lik({**values, "b_sd_g_age": 0.5}) - shared) > 0.1


@pytest.mark.parametrize("kind", Coordinates)
def test_log_likelihood_of_whole_levels_is_the_same_however_effects_are_sampled(kind):
    """Levels' effects are integrated out exactly, whatever samples them."""
    model = stated("between")
    one, other = planned("between", "marginal"), planned("between", kind.value)
    draws = {"b_Intercept": 1.7, "b_x": 0.6, "sigma": 0.9, "sd_g__Intercept": 0.7, "sd_g__x": 0.4}
    draws |= {"cor_g__Intercept__x": 0.3, "b_sd_g_age": 0.8}
    found = [of_levels(density, model, draws, 0, 1) for density in (one, other)]
    np.testing.assert_allclose(*found, rtol=1e-9)
    np.testing.assert_allclose(found[0].sum(), model.marginal_log_lik(draws), rtol=1e-9)


def of_levels(
    density: LogDensity, model: hm.Model, draws: dict[str, float], seed: int, samples: int
) -> np.ndarray:
    """(J,) log likelihood of the levels of g."""
    row = np.array([draws[name] for name in density.names])
    named = NamedDraws(row[None], lambda: ())
    return group_log_likelihood(density, model.design, "g", named, seed, samples)[0]


def test_importance_sampling_of_a_melsms_levels_sees_their_scales():
    """With more samples the estimate settles on the integral by brute force over prior draws."""
    model, fast = stated("between_scale"), planned("between_scale", "marginal")
    draws = {name: float(value) for name, value in fast.constrain(fast.initial).items()}
    draws |= {"b_sd_g_age": 0.7, "b_sd_g__sigma_Intercept_sexm": -0.6}
    found = [of_levels(fast, model, draws, seed, 4000) for seed in (1, 2)]
    np.testing.assert_allclose(found[0], found[1], atol=0.1)
    np.testing.assert_allclose(found[0], brute_force(model, draws), atol=0.2)


def brute_force(model: hm.Model, draws: dict[str, float], n_draws: int = 40_000) -> np.ndarray:
    """(J,) log likelihoods of the levels of ``between_scale``, effects on sigma drawn from their prior."""
    frame = model.design.table
    names = ("Intercept", "x", "sigma_Intercept")
    sd = np.array([draws[f"sd_g__{name}"] for name in names])
    cor = np.eye(3)
    for (i, a), (j, b) in (
        ((0, names[0]), (1, names[1])),
        ((0, names[0]), (2, names[2])),
        ((1, "x"), (2, names[2])),
    ):
        cor[i, j] = cor[j, i] = draws[f"cor_g__{a}__{b}"]
    noise = np.random.default_rng(0).multivariate_normal(np.zeros(3), cor * np.outer(sd, sd), n_draws)
    levels = frame.groupby("g").first()
    d = np.exp(draws["b_sd_g_age"] * (levels.age - levels.age.mean()))
    male = levels.sex == "m"
    d_scale = np.exp(draws["b_sd_g__sigma_Intercept_sexm"] * (male - male.mean()))
    out = []
    for g, rows in frame.groupby("g"):
        u = noise * np.array([d[g], d[g], d_scale[g]])
        mean = draws["b_Intercept"] + u[:, :1] + (draws["b_x"] + u[:, 1:2]) * rows.x.to_numpy()
        log_sigma = draws["b_sigma_Intercept"] + u[:, 2:] + draws["b_sigma_x"] * rows.x.to_numpy()
        logs = -0.5 * ((rows.y.to_numpy() - mean) / np.exp(log_sigma)) ** 2 - log_sigma
        logs = logs.sum(1) - 0.5 * len(rows) * np.log(2 * np.pi)
        out.append(np.logaddexp.reduce(logs) - np.log(n_draws))
    return np.array(out)


def test_maximum_likelihood_says_that_it_does_not_estimate_it():
    with pytest.raises(HmlmError, match=r"does not estimate what sd_g depends on; sample it"):
        stated("between").fit(algorithm="ml")


def test_effects_of_a_sampled_block_carry_their_levels_scale():
    fast = planned("between", "noncentered")
    gamma = fast.layout.gamma[0].start
    with double_precision():
        x = jnp.asarray(fast.initial)
        before = np.asarray(state_at(fast.static, x, fast.data).u[0])
        after = state_at(fast.static, x.at[gamma].add(1.0), fast.data).u[0]
    moved = float(fast.data.scale[gamma]) * np.asarray(fast.data.model.sds[0].centred[0])
    np.testing.assert_allclose(after, before * np.exp(moved), rtol=1e-10)
