"""What the timed loop computes, and how long it runs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpu_benchmarks.timing import STEP, Target, evaluations, measure, n_evaluations
from gpu_benchmarks.timing import double as timing_double


def quadratic(x, data):
    return -0.5 * jnp.sum(data * x**2)


def by_hand(start: np.ndarray, data: np.ndarray, n: int) -> float:
    """Sum of ``n`` values, each at a point that follows from the gradient at the one before."""
    x, total = start, 0.0
    for _ in range(n):
        total += -0.5 * np.sum(data * x**2)
        gradient = -data * x
        x = start + STEP * gradient / (1 + abs(gradient))
    return total


def test_every_evaluation_is_at_another_point_near_the_start():
    start, data = np.array([1.0, -2.0]), np.array([1.0, 3.0])
    looped = evaluations(quadratic, 5, jnp.asarray(start), jnp.asarray(data))
    assert looped == pytest.approx(by_hand(start, data, 5), rel=1e-6)
    assert by_hand(start, data, 5) != 5 * quadratic(start, data)


def test_chains_are_evaluated_together_and_move_alone():
    start, data = np.array([[1.0, -2.0], [0.5, 0.1]]), np.array([1.0, 3.0])
    looped = evaluations(quadratic, 5, jnp.asarray(start), jnp.asarray(data))
    assert looped == pytest.approx(sum(by_hand(one, data, 5) for one in start), rel=1e-6)


def test_batches_last_about_as_long_as_wanted():
    assert n_evaluations(lambda n: 1e-4 * n, batch=0.3) == 3000
    assert n_evaluations(lambda n: 10.0 * n, batch=0.3) == 1


def test_single_precision_is_not_taken_for_double(double):
    assert timing_double(np.ones(2)).dtype == jnp.float64
    with jax.enable_x64(False), pytest.raises(TypeError, match="JAX_ENABLE_X64"):
        timing_double(np.ones(2))


def test_a_density_that_is_not_finite_is_not_timed():
    start = jnp.ones(2)
    timing = measure(Target(quadratic, start, start), repeats=2, batch=1e-4)
    assert (timing.size, timing.microseconds > 0) == (2, True)
    with pytest.raises(FloatingPointError):
        measure(Target(lambda x, data: jnp.sum(jnp.log(-x)), start, start), repeats=1, batch=1e-4)
