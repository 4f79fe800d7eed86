"""Launches per gradient: what was compiled for this device, and what its profiler saw."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import jax

from gpu_benchmarks.backends import usable
from gpu_benchmarks.data import affect_table, described
from gpu_benchmarks.densities import stated
from gpu_benchmarks.hlo import launches
from gpu_benchmarks.machine import this_machine
from gpu_benchmarks.profiler import profile
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.scaling import target
from gpu_benchmarks.sizes import Size
from hmlm.density.log_density import LogDensity

CALLS = 20
HEADER = (
    "model",
    "backend",
    "chains",
    "compiled for",
    "in loops, per round",
    "measured",
    "device busy µs",
    "µs per call",
)
EXPLANATION = f"""\
One compiled call of log density and gradient of all chains, float64. Compiled for: launches in the
optimised program, loops apart. Measured: kernels and copies that JAX's profiler saw per call, over
{CALLS} calls; missing where it saw none. Device busy: the sum of their times, profiler on. µs per call:
wall clock, profiler off, each call started from Python. On a CPU a launch is an operation that the
runtime starts."""


def report(size: Size) -> Report:
    """Every model and backend with one chain and with most."""
    jax.config.update("jax_enable_compilation_cache", False)
    table = affect_table(size.data)
    rows = [
        row
        for name in size.models
        for backend in usable()
        for row in rows_of(name, backend, stated(name, table, backend=backend).log_density, size)
    ]
    title = f"Launches per gradient ({described(size.data, table)})"
    return Report("launches", [Table(title, HEADER, rows, EXPLANATION)], this_machine())


def rows_of(name: str, backend: str, density: LogDensity, size: Size) -> Iterator[tuple]:
    """A row for the smallest and one for the largest number of chains."""
    for chains in (size.chains[0], size.chains[-1]):
        one = target(density, chains)
        value_and_grad = jax.value_and_grad(one.log_density)
        if chains > 1:
            value_and_grad = jax.vmap(value_and_grad, in_axes=(0, None))
        compiled = jax.jit(value_and_grad).lower(one.start, one.data).compile()
        row = (name, backend, chains, *figures(lambda c=compiled, o=one: c(o.start, o.data), compiled))
        print(f"{name} {backend} {chains} chains: {row[3]} launches", file=sys.stderr, flush=True)
        yield row


def figures(call, compiled) -> tuple[int, int, float | None, float | None, float]:
    """Launches compiled for, once and per round, launches measured, microseconds busy and per call."""
    expected = launches(compiled.as_text())
    jax.block_until_ready(call())
    began = time.perf_counter()
    for _ in range(CALLS):
        jax.block_until_ready(call())
    took = (time.perf_counter() - began) / CALLS
    seen = profile(call, CALLS)
    return expected.once, expected.per_round, seen.kernels, seen.busy, took * 1e6
