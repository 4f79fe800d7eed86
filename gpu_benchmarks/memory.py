"""Memory of gradients and of chunks of NUTS: what was compiled for, and the peak on the device."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jax
import pandas as pd

from gpu_benchmarks.child import run_child
from gpu_benchmarks.data import affect_table, described
from gpu_benchmarks.launch import shared_table
from gpu_benchmarks.machine import CPU, this_machine
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.sizes import Size

MOST_ON_CPU = 10  # chains: a CPU has nothing to gain from more
HEADER = (
    "model",
    "chains",
    "chunk",
    "arguments MB",
    "temporary MB",
    "output MB",
    "peak on device MB",
    "s per chunk",
    "failed",
)
EXPLANATION = """\
Every row is a process of its own, float64. Chunk 0: log density and gradient of all chains; else NUTS
from the starting points by so many draws, started and advanced once. Arguments, temporary, output: bytes
the compiler planned for the program. Peak: the most that the device's allocator held in the life of the
process; CPUs do not say."""


def report(size: Size) -> Report:
    """The last of the models, by number of chains and length of chunks."""
    table, model = affect_table(size.data), size.models[-1]
    most = MOST_ON_CPU if jax.default_backend() == CPU else max(size.chains)
    chains = [n for n in size.chains if n <= most]
    title = f"Memory ({described(size.data, table)})"
    rows = [row for n in chains for row in rows_of(model, n, table, size)]
    return Report("memory", [Table(title, HEADER, rows, EXPLANATION)], this_machine())


def rows_of(model: str, chains: int, table: pd.DataFrame, size: Size) -> Iterator[tuple]:
    """A row for the gradient and one per chunk."""
    with tempfile.TemporaryDirectory() as folder:
        path = shared_table(table, Path(folder))
        for chunk in (0, *size.chunks):
            child = run_child("gpu_benchmarks.memory_run", [model, path, chains, chunk], {})
            facts = child.facts or {}
            figures = [megabytes(facts.get(name)) for name in ("arguments", "temporary", "output", "peak")]
            print(f"{chains} chains, chunk {chunk}: {child.error or facts}", file=sys.stderr, flush=True)
            yield model, chains, chunk, *figures, facts.get("seconds"), child.error


def megabytes(n_bytes: int | None) -> float | None:
    """10^6 bytes."""
    return None if n_bytes is None else n_bytes / 1e6
