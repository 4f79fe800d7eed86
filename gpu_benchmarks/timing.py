"""What one evaluation of a log density and its gradient takes.

Evaluations run in one compiled loop, each at a point that depends on the gradient before it: nothing can be
hoisted out of the loop, no two evaluations overlap, and Python is not what is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

STEP = 1e-3  # how far from its start a point may be, in every coordinate


class Target(NamedTuple):
    """A function (x, data) -> scalar with its gradient taken in x, a (D,) or (C, D) start, and the data."""

    log_density: Callable[[Array, Any], Array]
    start: Array
    data: Any


class Timing(NamedTuple):
    """Of one log density: D, microseconds per evaluation (of all chains), seconds of compiling."""

    size: int
    microseconds: float
    compile: float


def double(x: np.ndarray) -> Array:
    """``x`` on the device in float64, which is what the tables say.

    Raises:
        TypeError: JAX is set to single precision.
    """
    out = jnp.asarray(x)
    if out.dtype != jnp.float64:
        raise TypeError("figures are of float64: set JAX_ENABLE_X64=1, as gpu_benchmarks.pinning does")
    return out


def measure(target: Target, repeats: int, batch: float) -> Timing:
    """Median time of an evaluation near the start.

    Args:
        target: what to evaluate; of a (C, D) start all C chains at once, by vmap.
        repeats: batches of evaluations.
        batch: seconds that one of them should last.

    Raises:
        FloatingPointError: the density is not finite there, so that the time would mean little.
    """
    began = time.perf_counter()
    loop = jax.jit(partial(evaluations, target.log_density)).lower(1, target.start, target.data).compile()
    compiling = time.perf_counter() - began
    n = n_evaluations(lambda n: seconds(loop, n, target), batch)
    times = [seconds(loop, n, target) / n for _ in range(repeats)]
    return Timing(target.start.shape[-1], float(np.median(times)) * 1e6, compiling)


def evaluations(log_density: Callable, n: Array, start: Array, data: Any) -> Array:
    """Sum of ``n`` log densities, each with its gradient, at points within ``STEP`` of the start."""
    value_and_grad = jax.value_and_grad(log_density)
    if start.ndim == 2:
        value_and_grad = jax.vmap(value_and_grad, in_axes=(0, None))

    def body(_: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        x, total = carry
        value, gradient = value_and_grad(x, data)
        return start + STEP * gradient / (1 + jnp.abs(gradient)), total + jnp.sum(value)

    return jax.lax.fori_loop(0, n, body, (start, jnp.zeros((), start.dtype)))[1]


def seconds(loop: Callable, n: int, target: Target) -> float:
    """Wall-clock seconds of ``n`` evaluations.

    Raises:
        FloatingPointError: their sum is not finite.
    """
    began = time.perf_counter()
    total = loop(n, target.start, target.data).block_until_ready()
    took = time.perf_counter() - began
    if not np.isfinite(total):
        raise FloatingPointError("the log density is not finite near its starting point")
    return took


def n_evaluations(timed: Callable[[int], float], batch: float) -> int:
    """How many evaluations take about ``batch`` seconds."""
    n = 1
    while (took := timed(n)) < batch / 10:
        n *= 4
    return max(1, round(n * batch / took))
