"""The same chains on one device and on several: threads, vmap, shard_map and pmap, in one run."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax

from gpu_benchmarks.child import run_child
from gpu_benchmarks.data import affect_table, described
from gpu_benchmarks.launch import shared_table
from gpu_benchmarks.machine import CPU, this_machine
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.sizes import Size
from hmlm.infer.placement import available_cores

FEWEST = 2  # devices of a CPU, where it has one core
PER_DEVICE = (2, 8)  # chains
FIGURES = ("compile", "warmup", "sampling", "leapfrogs", "ess")
HEADER = (
    "model",
    "chains",
    "placement",
    "devices",
    "cores",
    "compile s",
    "warm-up s",
    "sampling s",
    "µs per leapfrog",
    "ESS/s of sampling",
    "times the first",
    "failed",
)
EXPLANATION = """\
Every row is a process of its own, NUTS in float64, the same seed. Placement: `parallel` of `Model.fit`;
on one device of a CPU, threads is a group per chain, shard_map all chains by vmap. Cores: that the process
may use. µs per leapfrog: sampling over all chains' leapfrogs. ESS: smallest bulk effective sample size of
the population-level parameters. Times the first: ESS per second over that of the first row with as many
chains."""


@dataclass(frozen=True)
class Case:
    """A placement, ``devices`` of it, and ``cores`` that the process may use, None for all."""

    placement: str
    devices: int
    cores: int | None = None


def report(size: Size) -> Report:
    """Every placement for the last of the models and each number of chains."""
    table, model = affect_table(size.data), size.models[-1]
    cases = on_cpu() if jax.default_backend() == CPU else on_gpus(jax.local_device_count())
    most = max(case.devices for case in cases)
    with tempfile.TemporaryDirectory() as folder:
        path = shared_table(table, Path(folder))
        rows = [
            row for per in PER_DEVICE for row in with_ratios(measured(model, per * most, path, size, cases))
        ]
    title = f"Devices ({described(size.data, table)})"
    return Report("devices", [Table(title, HEADER, rows, EXPLANATION)], this_machine())


def on_cpu() -> tuple[Case, ...]:
    """One core as the base; threads, vmap and several devices on all of them."""
    n = max(available_cores(), FEWEST)
    several = (Case("shard_map", n), Case("pmap", n))
    return (Case("threads", 1, 1), Case("threads", 1), Case("shard_map", 1), *several)


def on_gpus(n: int) -> tuple[Case, ...]:
    """One as the base, then all."""
    return (Case("shard_map", 1), *((Case("shard_map", n), Case("pmap", n)) if n > 1 else ()))


def measured(model: str, chains: int, table: Path, size: Size, cases: Sequence[Case]) -> Iterator[tuple]:
    """A row per case, ratios left out."""
    for case in cases:
        changed = {"JAX_ENABLE_COMPILATION_CACHE": "false", "JAX_NUM_CPU_DEVICES": str(case.devices)}
        numbers = [chains, size.warmup, size.draws, case.placement, case.devices, case.cores or 0]
        child = run_child("gpu_benchmarks.device_run", [model, table, *numbers], changed)
        print(f"{case}, {chains} chains: {child.error or child.facts}", file=sys.stderr, flush=True)
        yield row(model, chains, case, child.facts, child.error)


def row(model: str, chains: int, case: Case, facts: Mapping[str, float] | None, error: str | None) -> tuple:
    """Of one process; one that failed has no figures."""
    cores = case.cores or available_cores()
    what = model, chains, case.placement, case.devices, cores
    if facts is None:
        return *what, *(None,) * 6, error
    compiling, warmup, sampling, leapfrogs, ess = (facts[name] for name in FIGURES)
    return *what, compiling, warmup, sampling, 1e6 * sampling / leapfrogs, ess / sampling, None, None


def with_ratios(rows: Iterator[tuple]) -> Iterator[tuple]:
    """The rows with ESS per second over that of the first."""
    rate, ratio, first = HEADER.index("ESS/s of sampling"), HEADER.index("times the first"), None
    for one in rows:
        first = one[rate] if first is None else first
        known = None if first is None or one[rate] is None else one[rate] / first
        yield (*one[:ratio], known, *one[ratio + 1 :])
