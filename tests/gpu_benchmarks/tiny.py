"""A small table, a small model and a given machine, shared by the tests of the suites."""

from __future__ import annotations

from functools import cache

import numpy as np

from gpu_benchmarks.data import affect_table
from gpu_benchmarks.densities import stated
from gpu_benchmarks.machine import Machine
from gpu_benchmarks.measurement import Measurement, Seconds, Settings

SOURCE = "simulated:8x10"
MACHINE = Machine("cpu", "a processor", None, 1, 2, "3.13.0", "Linux", {"jax": "1"}, {"XLA_FLAGS": "--x"})


@cache
def table():
    """8 people, some 70 rows."""
    return affect_table(SOURCE)


@cache
def model(name: str):
    """Model ``name`` of those rows."""
    return stated(name, table())


def run(seconds: float, seed: int = 0, shift: float = 0.0) -> Measurement:
    """2 parameters x 400 independent draws; sampling took so many seconds, set-up and warm-up ten times."""
    draws = np.random.default_rng(seed).normal(shift, 1, (2, 400))
    return Measurement(
        settings=Settings(100, 400, seed),
        seconds=Seconds(9 * seconds, seconds, seconds, 11 * seconds),
        leapfrogs=7.0,
        divergences=1,
        draws={"b_x": draws[0], "sigma": draws[1]},
        versions={"numpy": "2"},
    )
