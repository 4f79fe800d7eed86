"""How long it takes until the first draw, with the persistent compilation cache off, empty and filled."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pandas as pd

from gpu_benchmarks.child import run_child
from gpu_benchmarks.data import affect_table, described
from gpu_benchmarks.effective import Request, effective_table
from gpu_benchmarks.launch import environment, shared_table
from gpu_benchmarks.machine import this_machine
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.sizes import Size

DRAWS = 100  # a chunk
OFF = {"JAX_ENABLE_COMPILATION_CACHE": "false"}
PHASES = ("start and import s", "state s", "prepare s", "compile s", "to first draw s")
HEADER = ("model", "compilation cache", *PHASES)
EXPLANATION = f"""\
Fresh processes with one chain of {DRAWS} + {DRAWS} draws; seconds from before the process starts until
the first warm-up draw begins. State: reading the table, design matrices. Prepare: plan, pilot, coordinates.
Compile: tracing, compiling and the density where the chain starts. Cache off: JAX keeps nothing; cold:
it is on and empty; warm: filled by the cold run. The operating system's file cache and Python's bytecode
are warm throughout."""


def report(size: Size, request: Request) -> Report:
    """Both tables: to the first draw, and to so many effective draws next to PyMC."""
    table = affect_table(size.data)
    rows = [row for model in size.models for row in model_rows(model, table)]
    title = f"Time to first draw ({described(size.data, table)})"
    effective, found = effective_table(request, table)
    return Report("compile", [Table(title, HEADER, rows, EXPLANATION), effective], this_machine(found))


def model_rows(model: str, table: pd.DataFrame) -> Iterator[tuple]:
    """A row per state of the cache."""
    with tempfile.TemporaryDirectory() as folder:
        path, cached = shared_table(table, Path(folder)), environment(Path(folder))
        for name, changed in (("off", {**cached, **OFF}), ("cold", cached), ("warm", cached)):
            row = (model, name, *phases(model, path, changed))
            print(f"{model} cache {name}: {row[-1]:.2f} s to the first draw", file=sys.stderr, flush=True)
            yield row


def phases(model: str, table: Path, changed: Mapping[str, str]) -> tuple[float, ...]:
    """Seconds of importing, stating, preparing, compiling, and all of these.

    Raises:
        RuntimeError: the process failed.
    """
    child = run_child("gpu_benchmarks.first_draw", [model, table, DRAWS, DRAWS], changed)
    if child.facts is None:
        raise RuntimeError(f"{model}: {child.error}")
    marks = [child.began, *(child.facts[name] for name in ("imported", "stated", "prepared", "first"))]
    return (*(after - before for before, after in pairwise(marks)), marks[-1] - marks[0])
