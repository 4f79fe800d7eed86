"""What warm-up learns, on densities whose metric and acceptance rate are known."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.precision import double_precision
from hmlm.infer.integrator import Place
from hmlm.infer.metric import Metric, pulled_back, scaled, unit_metric
from hmlm.infer.tree import draw_noise, empty_memory, transition
from hmlm.infer.warmup import Warmup, shrunk

COVARIANCE = np.array([[4.0, 1.8], [1.8, 1.0]])
SCALES = np.array([0.1, 10.0, 1.0])
SIZE = 5


def log_density(x):
    precision = jnp.linalg.inv(jnp.asarray(COVARIANCE))
    return -0.5 * x[:2] @ precision @ x[:2] - 0.5 * jnp.sum((x[2:] / jnp.asarray(SCALES)) ** 2)


def run(warmup, *, draws, target):
    """Tuning after each of ``draws`` draws, and their acceptance rates."""
    adaptation = Warmup(warmup, target, 2)

    def step(carried, key):
        place, n_done, tuning, learnt, memory = carried
        noise = draw_noise(key, SIZE, 8, place.position.dtype)

        def evaluate(offset):
            x = place.position + scaled(tuning.metric, offset)
            value, gradient = jax.value_and_grad(log_density)(x)
            return Place(x, value, gradient), pulled_back(tuning.metric, gradient)

        gradient = pulled_back(tuning.metric, place.gradient)
        made, memory = transition(evaluate, place, gradient, tuning.step_size, noise, memory)
        rate = made.acceptance_rate
        tuned = adaptation.update(n_done, made.place.position, rate, tuning, learnt)
        return (made.place, n_done + 1, *tuned, memory), (tuned[0], rate)

    x = jnp.ones(SIZE)
    value, gradient = jax.value_and_grad(log_density)(x)
    start = (
        Place(x, value, gradient),
        jnp.int32(0),
        *adaptation.start(SIZE, x.dtype),
        empty_memory(SIZE, 8, x.dtype),
    )
    keys = jax.random.split(jax.random.key(1), draws)
    made = jax.jit(lambda start, keys: jax.lax.scan(step, start, keys)[1])(start, keys)
    return jax.tree.map(np.asarray, made)


@pytest.fixture(scope="module")
def long_run():
    with double_precision():
        return run(1000, draws=1500, target=0.85)


def test_the_metric_becomes_the_covariance(long_run):
    metric = jax.tree.map(lambda leaf: np.asarray(leaf)[-1], long_run[0].metric)
    found = metric.population @ metric.population.T
    np.testing.assert_allclose(found, COVARIANCE, rtol=0.25)
    np.testing.assert_allclose(metric.effects, SCALES, rtol=0.15)


def test_the_acceptance_rate_becomes_the_target(long_run):
    assert np.mean(long_run[1][1000:]) == pytest.approx(0.85, abs=0.12)


def test_nothing_changes_after_warmup(long_run):
    for leaf in jax.tree.leaves(long_run[0]):
        assert (np.asarray(leaf)[1000:] == np.asarray(leaf)[999]).all()


@pytest.mark.parametrize("warmup", [1, 10, 30])
def test_short_warmups_adapt_what_they_can(warmup):
    with double_precision():
        tuning, rates = run(warmup, draws=warmup + 5, target=0.8)
    steps = np.asarray(tuning.step_size)
    assert np.isfinite(steps).all() and (steps > 0).all()
    assert np.ptp(steps[warmup - 1 :]) == 0
    assert len(np.unique(steps)) >= min(warmup, 10) - 1
    learnt = (np.asarray(tuning.metric.effects)[-1] != 1).any()
    assert learnt == (warmup >= 20)
    assert np.isfinite(np.asarray(rates)).all()


@pytest.mark.parametrize("n_population", [0, 2, 5])
def test_gradients_are_pulled_back_through_the_scaling(n_population):
    """``d f(scaled(o)) / do`` by autodiff, whatever part is dense."""
    with double_precision():
        rng = np.random.default_rng(n_population)
        factor = jnp.asarray(np.tril(rng.normal(size=(n_population, n_population))))
        metric = Metric(factor, jnp.asarray(rng.uniform(0.5, 2, SIZE - n_population)))
        offset, gradient = jnp.asarray(rng.normal(size=SIZE)), jnp.asarray(rng.normal(size=SIZE))
        derived = jax.grad(lambda o: gradient @ scaled(metric, o))(offset)
        np.testing.assert_allclose(pulled_back(metric, gradient), derived, rtol=1e-12)
        unit = unit_metric(n_population, SIZE, offset.dtype)
        np.testing.assert_array_equal(scaled(unit, offset), offset)


@pytest.mark.parametrize("rho", [0.0, 0.95])
def test_correlations_of_few_draws_are_shrunk(rho):
    """25 draws in 30 dimensions: noise goes, what the density has by itself stays for the most part."""
    with double_precision():
        rng = np.random.default_rng(2)
        true = (1 - rho) * np.eye(30) + rho
        x = rng.multivariate_normal(np.zeros(30), true, size=25)
        sample = jnp.asarray(np.cov(x.T) + 1e-3 * np.eye(30))
        found = np.asarray(shrunk(sample, jnp.int32(25)))
        again = np.asarray(shrunk(jnp.asarray(true + 1e-3 * np.eye(30)), jnp.int32(5000)))
    np.testing.assert_allclose(np.diag(found), np.diag(sample))
    share = 1 - found[0, 1] / sample[0, 1]
    assert (share > 0.9) if rho == 0 else (share < 0.2)
    assert np.linalg.cond(np.linalg.solve(true, found)) < np.linalg.cond(np.linalg.solve(true, sample)) / 5
    np.testing.assert_allclose(again, true + 1e-3 * np.eye(30), atol=0.02)


def test_one_coordinate_is_not_shrunk():
    with double_precision():
        assert float(shrunk(jnp.array([[4.0]]), jnp.int32(3))[0, 0]) == 4.0
        assert shrunk(jnp.zeros((0, 0)), jnp.int32(3)).shape == (0, 0)
