"""The driver: reproducible, interruptible, compiled once, the same over threads, vmap and devices."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from hmlm.infer import driver, starts
from hmlm.infer.driver import sample
from hmlm.infer.placement import place
from hmlm.infer.program import _compile
from hmlm.infer.schedule import Schedule
from hmlm.infer.settings import Settings
from hmlm.types import HmlmError

from .small_model import small_model

SETTINGS = Settings(chains=2, warmup=100, draws=100, seed=3, chunk=50)


@pytest.fixture(scope="module")
def run():
    return sample(small_model().log_density, SETTINGS)


def test_draws_are_float64_and_the_global_flag_is_untouched(run):
    assert run.draws.position.dtype == np.float64
    assert not jax.config.jax_enable_x64


def test_shapes_leave_warm_up_out(run):
    assert run.draws.position.shape == (2, 100, small_model().log_density.size)
    assert run.draws.diverging.shape == (2, 100)


def test_the_same_seed_gives_the_same_draws(run):
    again = sample(small_model().log_density, SETTINGS)
    np.testing.assert_array_equal(run.draws.position, again.draws.position)


def test_another_seed_gives_other_draws(run):
    other = sample(small_model().log_density, Settings(chains=2, warmup=100, draws=100, seed=4, chunk=50))
    assert not np.array_equal(run.draws.position, other.draws.position)


def test_chains_differ(run):
    assert not np.array_equal(run.draws.position[0], run.draws.position[1])


def test_a_chunk_that_does_not_divide_the_draws_changes_nothing(run):
    odd = sample(small_model().log_density, Settings(chains=2, warmup=100, draws=100, seed=3, chunk=70))
    np.testing.assert_allclose(run.draws.position, odd.draws.position, rtol=1e-6, atol=1e-8)


def test_new_data_of_equal_shape_never_compile(run):
    before = _compile.cache_info().misses
    moved = sample(small_model(seed=9, shift=5.0).log_density, SETTINGS)
    assert _compile.cache_info().misses == before
    assert not np.allclose(run.draws.position, moved.draws.position)


def test_seconds_are_those_of_this_run(run):
    again = sample(small_model(seed=1).log_density, SETTINGS)
    assert list(again.seconds) == ["prepare", "compile", "start", "warmup", "sampling"]
    assert again.seconds["compile"] < 0.2 < run.seconds["compile"]


def test_ctrl_c_returns_the_draws_so_far(run, monkeypatch):
    schedule = Schedule(SETTINGS.warmup)
    warming = sum(-(-schedule.window(end) // SETTINGS.chunk) for end in schedule.ends)
    interrupt_after(monkeypatch, chunks=warming + 1)
    stopped = sample(small_model().log_density, SETTINGS)
    assert stopped.interrupted
    np.testing.assert_array_equal(stopped.draws.position, run.draws.position[:, :50])


def test_ctrl_c_in_warm_up_has_nothing_to_return(monkeypatch):
    interrupt_after(monkeypatch, chunks=1)
    with pytest.raises(KeyboardInterrupt):
        sample(small_model().log_density, SETTINGS)


def interrupt_after(monkeypatch, chunks: int) -> None:
    """Ctrl-C while the bar is updated after so many chunks."""
    calls = []

    def update(self, *args, **kwargs):
        calls.append(args)
        if len(calls) == chunks:
            raise KeyboardInterrupt

    monkeypatch.setattr(driver.ProgressBar, "update", update)


def test_a_start_without_finite_density_is_drawn_again(monkeypatch):
    attempts = []

    def points(density, chains, seed, attempt=0):
        attempts.append(attempt)
        good = np.tile(density.initial, (chains, 1))
        good[0] = good[0] if attempt else np.nan
        return good

    monkeypatch.setattr(starts, "starting_points", points)
    assert np.isfinite(sample(small_model().log_density, SETTINGS).draws.position).all()
    assert max(attempts) == 1


def test_no_finite_start_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(
        starts, "starting_points", lambda density, chains, *_: np.full((chains, density.size), np.nan)
    )
    with pytest.raises(HmlmError, match="no finite starting point"):
        sample(small_model().log_density, replace(SETTINGS, init="pilot"))


def test_without_a_finite_start_around_the_pilot_pathfinder_is_asked(monkeypatch):
    monkeypatch.setattr(
        starts, "starting_points", lambda density, chains, *_: np.full((chains, density.size), np.nan)
    )
    assert np.isfinite(sample(small_model().log_density, SETTINGS).draws.position).all()


def test_more_devices_than_there_are_teaches():
    with pytest.raises(HmlmError, match="JAX_NUM_CPU_DEVICES=99"):
        place(99, 99)
