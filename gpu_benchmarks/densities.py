"""The table of what one evaluation of a log density and its gradient takes.

Evaluations run in one compiled loop, each at a point that depends on the gradient before it: nothing can be
hoisted out of the loop, no two evaluations overlap, and Python is not what is timed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array
from jax.flatten_util import ravel_pytree
from numpyro.infer import init_to_value
from numpyro.infer.util import initialize_model

import hmlm as hm
from gpu_benchmarks.affect_data import COLUMNS, arrays, good_start
from gpu_benchmarks.affect_models import FORMULAS, PRIORS
from gpu_benchmarks.affect_numpyro import PROGRAMS
from gpu_benchmarks.table import conditions, cpu_name, markdown, versions
from hmlm.density.log_density import log_density

TREATMENTS = {
    "auto": "hmlm, integrated out",
    "informed": "hmlm, informed",
    "noncentered": "hmlm, noncentered",
}
MORE_ROWS = 10
MORE = f"hmlm, integrated out, {MORE_ROWS} x the rows"
BY_HAND = "NumPyro by hand"
STEP = 1e-3  # how far from its start a point may be, in every coordinate
SECONDS = 0.3  # of one repeat
HEADER = ("model", "log density", "sampled dimensions", "µs per evaluation", "compile s", "NumPyro by hand ×")
EXPLANATION = """\
Log density and gradient, median over repeats of many evaluations in one compiled loop, each at another point.
Integrated out: the default, effects in a Gaussian mean integrated out and those of log sigma in informed
coordinates. 10 x the rows: every person's rows ten times. Informed, noncentered: every effect sampled.
NumPyro by hand: the potential of the program in `gpu_benchmarks/affect_numpyro.py`. Compile: tracing and
compiling the loop, no cache. NumPyro by hand ×: its time over this one's; what a treatment does to the
number of evaluations per effective draw comes on top."""


class Target(NamedTuple):
    """A function (x, data) -> scalar with its gradient taken in x, a (D,) start, and the data."""

    log_density: Callable[[Array, Any], Array]
    start: Array
    data: Any


class Timing(NamedTuple):
    """Of one log density: D, microseconds per evaluation, seconds of compiling."""

    size: int
    microseconds: float
    compile: float


def report(models: Sequence[str], repeats: int) -> str:
    """Time everything and return the table with what it means."""
    jax.config.update("jax_enable_compilation_cache", False)
    table = hm.load_dataset("williams")
    rows = [row for name in models for row in model_rows(name, table, repeats)]
    device = jax.devices()[0]
    where = cpu_name() if device.platform == "cpu" else device.device_kind
    found = {"hmlm": hm.__version__, **versions(["jax", "jaxlib", "numpyro"])}
    return "\n\n".join([markdown(HEADER, rows), EXPLANATION, conditions(where, found)])


def model_rows(name: str, table: pd.DataFrame, repeats: int) -> Iterator[tuple]:
    """A row per treatment of one model, NumPyro by hand last."""
    targets = {label: partial(hmlm_target, name, table, kind) for kind, label in TREATMENTS.items()}
    more = pd.concat([table] * MORE_ROWS, ignore_index=True)
    targets[MORE] = partial(hmlm_target, name, more, "auto")
    targets[BY_HAND] = partial(numpyro_target, name, table)
    timings = {}
    for label, target in targets.items():
        timings[label] = measure(target(), repeats)
        print(f"{name} {label}: {timings[label].microseconds:.1f} µs", file=sys.stderr, flush=True)
    by_hand = timings[BY_HAND].microseconds
    for label, timing in timings.items():
        ratio = None if label in (BY_HAND, MORE) else by_hand / timing.microseconds
        yield name, label, timing.size, timing.microseconds, timing.compile, ratio


def hmlm_target(name: str, table: pd.DataFrame, treatment: str) -> Target:
    """hmlm's log density of model ``name`` under a treatment of its effects."""
    density = hm.model(FORMULAS[name], table, prior=PRIORS[name], density=treatment).log_density
    return Target(partial(log_density, density.static), jnp.asarray(density.initial), density.data)


def numpyro_target(name: str, table: pd.DataFrame) -> Target:
    """The log density of the program by hand over its unconstrained sites, raveled."""
    data = arrays(COLUMNS[name], table)
    start = good_start(COLUMNS[name], data)
    program = partial(PROGRAMS[name], int(data["person"].max()) + 1)
    initial, potential, *_ = initialize_model(
        jax.random.key(0),
        program,
        init_strategy=init_to_value(values=start),
        dynamic_args=True,
        model_kwargs=data,
    )
    x, unravel = ravel_pytree(initial.z)
    return Target(lambda x, data: -potential(**data)(unravel(x)), x, jax.tree.map(jnp.asarray, data))


def measure(target: Target, repeats: int) -> Timing:
    """Median time of an evaluation near the start."""
    began = time.perf_counter()
    loop = jax.jit(partial(evaluations, target.log_density)).lower(1, target.start, target.data).compile()
    compiling = time.perf_counter() - began
    n = n_evaluations(lambda n: seconds(loop, n, target))
    times = [seconds(loop, n, target) / n for _ in range(repeats)]
    return Timing(target.start.size, float(np.median(times)) * 1e6, compiling)


def evaluations(log_density: Callable, n: Array, start: Array, data: Any) -> Array:
    """Sum of ``n`` log densities, each with its gradient, at points within ``STEP`` of the start."""
    value_and_grad = jax.value_and_grad(log_density)

    def body(_: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        x, total = carry
        value, gradient = value_and_grad(x, data)
        return start + STEP * gradient / (1 + jnp.abs(gradient)), total + value

    return jax.lax.fori_loop(0, n, body, (start, jnp.zeros((), start.dtype)))[1]


def seconds(loop: Callable, n: int, target: Target) -> float:
    """Wall-clock seconds of ``n`` evaluations.

    Raises:
        FloatingPointError: the density is not finite there, so that the time would mean little.
    """
    began = time.perf_counter()
    total = loop(n, target.start, target.data).block_until_ready()
    took = time.perf_counter() - began
    if not np.isfinite(total):
        raise FloatingPointError("the log density is not finite near its starting point")
    return took


def n_evaluations(timed: Callable[[int], float]) -> int:
    """How many evaluations take about ``SECONDS``."""
    n = 1
    while (took := timed(n)) < SECONDS / 10:
        n *= 4
    return max(1, round(n * SECONDS / took))
