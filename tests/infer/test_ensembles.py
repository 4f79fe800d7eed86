"""ChEES and MEADS: their pieces against what is known, their draws against those of NUTS."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import qmc

from hmlm.density.precision import double_precision
from hmlm.infer import chees, evaluate, meads, trajectory
from hmlm.infer.algorithm import make_algorithm
from hmlm.infer.driver import Run, sample
from hmlm.infer.halton import halton
from hmlm.infer.integrator import Place, Point
from hmlm.infer.settings import CHEES, MEADS, NUTS, Settings
from hmlm.infer.trajectory import Proposal
from hmlm.results.convergence import convergence
from hmlm.types import HmlmError

from .small_model import small_model

CHAINS, DRAWS = 32, 200


@cache
def sampled(algorithm: str) -> Run:
    settings = Settings(chains=CHAINS, warmup=150, draws=DRAWS, seed=3, algorithm=algorithm)
    return sample(small_model().log_density, settings)


@cache
def summary(algorithm: str) -> tuple[np.ndarray, ...]:
    """Per coordinate mean, sd and their Monte-Carlo errors."""
    x = np.moveaxis(sampled(algorithm).draws.position, -1, 0)
    ess = np.minimum(convergence(x).bulk, convergence(abs(x - x.mean(axis=(1, 2), keepdims=True))).bulk)
    sd = x.std(axis=(1, 2))
    return x.mean(axis=(1, 2)), sd, sd / np.sqrt(ess), sd / np.sqrt(2 * ess)


@pytest.mark.parametrize("algorithm", [CHEES, MEADS])
def test_the_posterior_is_that_of_nuts(algorithm):
    for value, error in ((0, 2), (1, 3)):
        ours, theirs = summary(algorithm), summary(NUTS)
        z = (ours[value] - theirs[value]) / np.hypot(ours[error], theirs[error])
        assert np.abs(z).max() < 4, z


@pytest.mark.parametrize("algorithm", [CHEES, MEADS])
def test_chains_converge_and_say_how(algorithm):
    draws = sampled(algorithm).draws
    assert convergence(np.moveaxis(draws.position, -1, 0)).rhat.max() < 1.05
    assert draws.position.shape[:2] == (CHAINS, DRAWS)
    assert np.ptp(draws.step_size) == 0
    assert (np.ptp(draws.n_steps, axis=0) == 0).all()
    assert 0.6 < draws.acceptance_rate.mean() < 1


def test_automatic_is_chees_for_many_chains():
    assert Settings(chains=31).sampler == NUTS
    assert Settings(chains=32).sampler == CHEES


def test_a_few_chains_cannot_tune_each_other():
    with pytest.raises(HmlmError, match="chains=8 at least.*there are 4"):
        Settings(chains=4, algorithm=MEADS)


@pytest.mark.parametrize("algorithm", [NUTS, CHEES, MEADS])
def test_one_chain_without_gradient_does_not_stop_the_others(algorithm, monkeypatch):
    """Beyond a wall the density is undefined, and one chain stands there."""
    place_at = evaluate.place_at

    def walled(static, position, data):
        place = place_at(static, position, data)
        beyond = position[0] > 1e3
        undefined = jnp.where(beyond, jnp.nan, 0.0)
        return Place(position, jnp.where(beyond, -jnp.inf, place.log_density), place.gradient + undefined)

    density = small_model().log_density
    settings = Settings(chains=8, warmup=60, draws=40, seed=3, algorithm=algorithm)
    with double_precision():
        sampler = make_algorithm(density, settings, 8)
        for module in (trajectory, chees, meads):
            monkeypatch.setattr(module, "place_at", walled)
        monkeypatch.setattr("hmlm.infer.nuts.place_at", walled)
        keys = jax.vmap(jax.random.key_data)(jax.random.split(jax.random.key(0), 8))
        points = np.tile(density.initial, (8, 1)) + 0.1 * np.random.default_rng(0).normal(
            size=(8, density.size)
        )
        points[3, 0] = 1e4
        data = jax.device_put(density.data)
        state, kept, done = jax.jit(sampler.start)(keys, jnp.asarray(points), data), [], 0
        advance = jax.jit(sampler.advance)
        for end in sorted({*sampler.meetings, 100}):
            state, draws = advance(state, data, np.int32(end - done))
            kept.append(np.asarray(draws.position)[:, : end - done])
            state = sampler.meet([state])[0] if end in sampler.meetings else state
            done = end
    position = np.concatenate(kept, axis=1)[:, 60:]
    others = np.delete(position, 3, axis=0)
    assert (position[3, :, 0] == 1e4).all()
    assert np.isfinite(others).all() and (np.ptp(others[..., 0], axis=1) > 0).all()
    assert others.std(axis=(0, 1)) == pytest.approx(summary(NUTS)[1], rel=0.6)


def test_lengths_fill_the_interval_evenly():
    with double_precision():
        found = jax.vmap(lambda n: halton(n, jnp.float64))(jnp.arange(1, 65, dtype=jnp.int32))
    np.testing.assert_allclose(found, qmc.Halton(1, scramble=False).random(65)[1:, 0])


def proposal(start: np.ndarray, momentum: np.ndarray, time: float) -> Proposal:
    """Exact trajectories of a standard normal density, all of them taken."""
    end = start * np.cos(time) + momentum * np.sin(time)
    moving = -start * np.sin(time) + momentum * np.cos(time)
    zero = jnp.zeros(len(start))
    place = Place(jnp.asarray(end), zero, jnp.asarray(-end))
    return Proposal(
        place, Point(jnp.asarray(end - start), jnp.asarray(moving), jnp.asarray(-end)), zero, zero
    )


@pytest.mark.parametrize("time", [0.4, 1.2, 2.5])
def test_the_slope_is_that_of_the_criterion(time):
    """A quarter of the mean squared change of squared distances from the mean, by finite differences."""
    rng = np.random.default_rng(2)
    start, momentum = rng.normal(size=(2, 40, 3))

    def criterion(time):
        end = np.asarray(proposal(start, momentum, time).place.position)
        squares = [((x - x.mean(0)) ** 2).sum(1) for x in (end, start)]
        return np.mean((squares[0] - squares[1]) ** 2) / 4

    with double_precision():
        found = chees.slope(jnp.asarray(start), jnp.ones(40, bool), proposal(start, momentum, time), time)
    h = 1e-5
    by_differences = time * (criterion(time + h) - criterion(time - h)) / (2 * h)
    moving_mean = 0.15 * abs(by_differences) + 0.15  # that of the ends moves, which the slope leaves out
    assert float(found) == pytest.approx(by_differences, abs=moving_mean)


def test_the_largest_eigenvalue_needs_fewer_chains_than_dimensions():
    rng = np.random.default_rng(4)
    scales = np.r_[3.0, np.ones(99)]
    exact = (scales**4).sum() / (scales**2).sum()
    with double_precision():
        rows = rng.normal(size=(200, 32, 100)) * scales
        found = [meads.largest_eigenvalue(jnp.asarray(some), jnp.ones(32, bool)) for some in rows]
        one_more = jnp.asarray(np.r_[rows[:100].reshape(-1, 100), np.full((1, 100), np.nan)])
        counts = jnp.arange(len(one_more)) < len(one_more) - 1
        assert float(meads.largest_eigenvalue(one_more, counts)) == pytest.approx(exact, rel=0.1)
    assert np.mean(np.asarray(found)) == pytest.approx(exact, rel=0.1)
