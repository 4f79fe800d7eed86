"""What warm-up learns: on densities whose metric is known, and on a run whose acceptance rate can be seen."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlm.density.precision import double_precision
from hmlm.infer.driver import sample
from hmlm.infer.fisher import learnt, matching
from hmlm.infer.integrator import Place
from hmlm.infer.metric import LOW_RANK, METRICS, RANK, Metric, first_metric, pulled_back, scaled, unscaled
from hmlm.infer.schedule import SHORTEST, Schedule
from hmlm.infer.seen import metric_from, nothing_seen, see
from hmlm.infer.settings import Settings
from hmlm.infer.warmup import Warmup

from ..nights import by_night
from .small_model import small_model

COVARIANCE = np.array([[4.0, 1.8], [1.8, 1.0]])
SCALES = np.array([0.1, 10.0, 1.0])
SIZE = 5


def normal_draws(n, seed=1):
    """Draws of a normal density and its gradients there."""
    rng = np.random.default_rng(seed)
    x = np.concatenate(
        [rng.multivariate_normal([3.0, -1.0], COVARIANCE, n), rng.normal(size=(n, 3)) * SCALES], 1
    )
    precision = np.linalg.inv(COVARIANCE)
    gradient = np.concatenate([-(x[:, :2] - [3.0, -1.0]) @ precision, -x[:, 2:] / SCALES**2], 1)
    return x, gradient


def unit(n_population=2):
    return jax.tree.map(np.asarray, first_metric("dense", n_population, SIZE, jnp.float32))


@pytest.mark.parametrize("n, tolerance", [(20, 0.4), (1000, 0.01)])
def test_the_metric_becomes_the_covariance(n, tolerance):
    """In two windows: few draws are drawn towards the metric before."""
    found = learnt(*normal_draws(n, 2), learnt(*normal_draws(n), unit()))
    np.testing.assert_allclose(found.population @ found.population.T, COVARIANCE, rtol=2 * tolerance)
    np.testing.assert_allclose(found.effects, SCALES, rtol=tolerance)


def test_gradients_tell_more_than_draws():
    """Variances of ten draws are a third off; with their gradients only the metric before is in the way."""
    x, gradient = normal_draws(10)
    metric = Metric(np.linalg.cholesky(COVARIANCE), 1.3 * SCALES)
    found = learnt(x, gradient, metric)
    errors = [np.abs(np.log(scale / SCALES)).max() for scale in (found.effects, x[:, 2:].std(0))]
    assert errors[0] < errors[1] / 2
    np.testing.assert_allclose(found.population @ found.population.T, COVARIANCE, rtol=0.25)


def test_a_metric_that_is_right_stays():
    metric = Metric(np.linalg.cholesky(COVARIANCE), SCALES)
    found = learnt(*normal_draws(400), metric)
    np.testing.assert_allclose(found.population, metric.population, atol=0.02)
    np.testing.assert_allclose(found.effects, SCALES, rtol=1e-2)


def test_matching_solves_its_equation():
    rng = np.random.default_rng(3)
    one, other = (a @ a.T + np.eye(4) for a in rng.normal(size=(2, 4, 4)))
    found = matching(one, other)
    np.testing.assert_allclose(found @ other @ found, one, rtol=1e-9)
    np.testing.assert_allclose(matching(one, np.linalg.inv(one)), one, rtol=1e-9)


def test_chains_learn_together_and_one_that_went_astray_is_left_out():
    x, gradient = normal_draws(90)
    together = learnt(x, gradient, unit())
    chains = [x.reshape(3, 30, SIZE), gradient.reshape(3, 30, SIZE)]
    with_nan = [np.concatenate([part, np.full((1, 30, SIZE), np.nan)]) for part in chains]
    with double_precision():
        seen = jax.vmap(lambda _: nothing_seen(40, SIZE, jnp.float64))(jnp.arange(4))
        for i in range(30):
            place = Place(jnp.asarray(with_nan[0][:, i]), jnp.zeros(4), jnp.asarray(with_nan[1][:, i]))
            seen = jax.vmap(see, (0, None, 0))(seen, jnp.int32(25 + i), place)
    for found, expected in zip(metric_from(seen, 30, 55, unit())[:2], together[:2], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_window_longer_than_the_memory_is_its_last_draws():
    x, gradient = normal_draws(50)
    with double_precision():
        seen = jax.tree.map(lambda leaf: leaf[None], nothing_seen(20, SIZE, jnp.float64))
        for i in range(50):
            place = Place(jnp.asarray(x[None, i]), jnp.zeros(1), jnp.asarray(gradient[None, i]))
            seen = jax.vmap(see, (0, None, 0))(seen, jnp.int32(i), place)
    for found, expected in zip(
        metric_from(seen, 45, 50, unit())[:2], learnt(x[30:], gradient[30:], unit())[:2], strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@given(st.integers(1, 5000))
def test_windows_fill_the_warm_up(draws):
    schedule = Schedule(draws)
    windows = [schedule.window(end) for end in schedule.ends]
    assert sum(windows) == draws and min(windows) >= 1
    assert len(windows) == 1 if draws < SHORTEST else windows[-1] <= max(0.16 * draws, 50)
    assert sorted(windows[:-1]) == windows[:-1]


def test_chains_leave_a_meeting_with_one_step_size():
    with double_precision():
        warmup = Warmup(Schedule(100), 0.8, 10)
        step, learning = jax.vmap(lambda _: warmup.start(SIZE, jnp.float64))(jnp.arange(3))
        place = Place(jnp.ones((3, SIZE)), jnp.zeros(3), -jnp.ones((3, SIZE)))
        for n in range(15):
            rates = jnp.array([0.2, 0.8, 1.0])
            step, learning = jax.vmap(warmup.update, (None, 0, 0, 0, 0))(
                jnp.int32(n), place, rates, step, learning
            )
        assert step[0] < step[1] < step[2]
        after, _, _ = warmup.met(15, learning, unit())
    assert np.ptp(after) == 0 and np.log(after[0]) == pytest.approx(np.mean(learning.averages[1]))


@pytest.fixture(scope="module")
def long_run():
    return sample(small_model().log_density, Settings(warmup=150, draws=300, seed=5, target_accept=0.85))


def test_the_acceptance_rate_becomes_the_target(long_run):
    assert long_run.draws.acceptance_rate.mean() == pytest.approx(0.85, abs=0.1)


def test_nothing_changes_after_warmup(long_run):
    assert np.ptp(long_run.draws.step_size) == 0


@pytest.mark.parametrize("warmup", by_night([1, 10, 30], 10))
def test_short_warmups_adapt_what_they_can(warmup):
    run = sample(small_model().log_density, Settings(chains=2, warmup=warmup, draws=5, seed=1))
    assert np.isfinite(run.draws.position).all() and np.ptp(run.draws.step_size) == 0
    assert 0 < run.draws.step_size[0, 0] != 0.25


@pytest.mark.parametrize("n_population", [0, 2, 5])
def test_gradients_are_pulled_back_through_the_scaling(n_population):
    """``d f(scaled(o)) / do`` by autodiff, whatever part is dense; and ``unscaled`` undoes ``scaled``."""
    with double_precision():
        rng = np.random.default_rng(n_population)
        factor = jnp.asarray(
            np.tril(rng.normal(size=(n_population, n_population))) + 2 * np.eye(n_population)
        )
        metric = Metric(factor, jnp.asarray(rng.uniform(0.5, 2, SIZE - n_population)))
        offset, gradient = jnp.asarray(rng.normal(size=SIZE)), jnp.asarray(rng.normal(size=SIZE))
        derived = jax.grad(lambda o: gradient @ scaled(metric, o))(offset)
        np.testing.assert_allclose(pulled_back(metric, gradient), derived, rtol=1e-12)
        np.testing.assert_allclose(unscaled(metric, scaled(metric, offset)), offset, rtol=1e-9)
        unit = first_metric("dense", n_population, SIZE, offset.dtype)
        np.testing.assert_array_equal(scaled(unit, offset), offset)


@pytest.mark.parametrize("kind", by_night(METRICS, LOW_RANK))
def test_every_metric_samples_the_same_posterior(kind, long_run):
    settings = Settings(warmup=150, draws=300, seed=6, target_accept=0.85, metric=kind)
    found = sample(small_model().log_density, settings).draws.position
    known = long_run.draws.position
    assert np.abs(found.mean((0, 1)) - known.mean((0, 1))).max() < 0.3 * known.std((0, 1)).max()
    np.testing.assert_allclose(found.std((0, 1)), known.std((0, 1)), rtol=0.3)


def test_directions_across_all_coordinates_are_found():
    """A direction in which twenty coordinates move together, three times as far as each alone."""
    rng, size = np.random.default_rng(8), 20
    along = np.ones(size) / np.sqrt(size)
    covariance = np.eye(size) + 8 * np.outer(along, along)
    x = rng.multivariate_normal(np.zeros(size), covariance, 40)
    before = jax.tree.map(np.asarray, first_metric("low-rank", 0, size, jnp.float32))
    found = learnt(x, -x @ np.linalg.inv(covariance), before)
    found = learnt(x, -x @ np.linalg.inv(covariance), found)
    assert found.directions.shape == (RANK, size)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(RANK), atol=1e-9)
    with double_precision():
        columns = jax.vmap(scaled, (None, 0))(jax.tree.map(jnp.asarray, found), jnp.eye(size))
        offset = jnp.asarray(rng.normal(size=size))
        metric = jax.tree.map(jnp.asarray, found)
        derived = jax.grad(lambda o: jnp.sum(offset * scaled(metric, o)))(offset)
        np.testing.assert_allclose(pulled_back(metric, offset), derived, rtol=1e-9)
        np.testing.assert_allclose(unscaled(metric, scaled(metric, offset)), offset, rtol=1e-9)
    values = np.linalg.eigvals(np.linalg.solve(covariance, np.asarray(columns).T @ np.asarray(columns)))
    assert values.real.min() > 0.5 and values.real.max() < 2.0
