"""Which XLA flags make a difference: a sweep in subprocesses, each run twice.

A flag that this XLA does not know, or that crashes the second execution of a program, is a row that says so.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jax

from gpu_benchmarks.child import run_child
from gpu_benchmarks.data import affect_table, described
from gpu_benchmarks.launch import shared_table
from gpu_benchmarks.machine import CPU, GPU, this_machine
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.sizes import Size

FLAGS: Mapping[str, Sequence[str]] = {
    CPU: ("", "--xla_cpu_enable_fast_min_max=true", "--xla_backend_optimization_level=1"),
    GPU: (
        "",
        "--xla_gpu_enable_command_buffer=+WHILE",
        "--xla_gpu_enable_command_buffer=",
        "--xla_gpu_autotune_level=0",
        "--xla_gpu_enable_latency_hiding_scheduler=true",
        "--xla_gpu_deterministic_ops=true",
    ),
}
RUNS = 2
FIGURES = ("gradient_us", "gradient_compile_s", "nuts_compile_s", "first_chunk_s", "second_chunk_s")
HEADER = (
    "model",
    "chains",
    "flags",
    "run",
    "µs per evaluation",
    "compile s",
    "NUTS compile s",
    "first chunk s",
    "second chunk s",
    "failed",
)
EXPLANATION = """\
Every row is a process of its own with the flags added to `XLA_FLAGS`, no compilation cache, float64.
Evaluation: log density and gradient of all chains. Chunks: NUTS from the starting points, the same
executable twice in a row. Failed: last words of a process that ended with an error; its figures do not
exist."""


def report(size: Size) -> Report:
    """Every flag of this platform on the last of the models, with one chain and with most."""
    platform = CPU if jax.default_backend() == CPU else GPU
    table, model = affect_table(size.data), size.models[-1]
    with tempfile.TemporaryDirectory() as folder:
        path = shared_table(table, Path(folder))
        rows = [row for chains in several(size) for row in sweep(model, chains, path, size, FLAGS[platform])]
    title = f"Flags ({described(size.data, table)})"
    return Report("flags", [Table(title, HEADER, rows, EXPLANATION)], this_machine())


def several(size: Size) -> tuple[int, int]:
    """One chain, and the second number of chains: enough to see what vmap does to a flag."""
    return size.chains[0], size.chains[1]


def sweep(model: str, chains: int, table: Path, size: Size, tried: Sequence[str]) -> Iterator[tuple]:
    """A row per flag and run."""
    numbers = [chains, min(size.chunks), size.seconds, size.repeats]
    for flag in tried:
        changed = {
            "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip(),
            "JAX_ENABLE_COMPILATION_CACHE": "false",
        }
        for run in range(1, RUNS + 1):
            child = run_child("gpu_benchmarks.flag_run", [model, table, *numbers], changed)
            facts = child.facts or dict.fromkeys(FIGURES)
            print(f"{flag or 'default'} {run}: {child.error or facts}", file=sys.stderr, flush=True)
            yield model, chains, flag or "default", run, *(facts[name] for name in FIGURES), child.error
