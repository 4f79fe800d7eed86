"""What the timed loop computes, and how long it runs."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from gpu_benchmarks import densities
from gpu_benchmarks.densities import SECONDS, STEP, Target, evaluations, measure, n_evaluations


def quadratic(x, data):
    return -0.5 * jnp.sum(data * x**2)


def test_every_evaluation_is_at_another_point_near_the_start():
    start, data = np.array([1.0, -2.0]), np.array([1.0, 3.0])
    x, total = start, 0.0
    for _ in range(5):
        total += -0.5 * np.sum(data * x**2)
        gradient = -data * x
        x = start + STEP * gradient / (1 + abs(gradient))
    looped = evaluations(quadratic, 5, jnp.asarray(start), jnp.asarray(data))
    assert looped == pytest.approx(total, rel=1e-6)
    assert total != 5 * quadratic(start, data)


def test_batches_last_about_as_long_as_wanted():
    assert n_evaluations(lambda n: 1e-4 * n) == round(SECONDS / 1e-4)
    assert n_evaluations(lambda n: 10.0 * n) == 1


def test_a_density_that_is_not_finite_is_not_timed(monkeypatch):
    monkeypatch.setattr(densities, "SECONDS", 1e-4)
    start = jnp.ones(2)
    assert measure(Target(quadratic, start, start), repeats=2).microseconds > 0
    with pytest.raises(FloatingPointError):
        measure(Target(lambda x, data: jnp.sum(jnp.log(-x)), start, start), repeats=1)
