"""Every suite in turn, each in a process of its own: what one sets or breaks does not reach the next."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from gpu_benchmarks.child import python_path

SUITES = (
    "densities",
    "scaling",
    "samplers",
    "devices",
    "precision",
    "launches",
    "memory",
    "flags",
    "compile",
    "peers",
)


def run_all(suites: Sequence[str], options: Iterable[str], out: Path | None) -> list[str]:
    """Run suites with these options of the command line; the names of those that failed."""
    written = [] if out is None else ["--out", str(out)]
    failed = []
    for suite in suites:
        command = [sys.executable, "-m", "gpu_benchmarks", suite, *options, *written]
        environment = {**os.environ, "PYTHONPATH": python_path()}
        if subprocess.run(command, env=environment).returncode:
            print(f"{suite}: failed", file=sys.stderr, flush=True)
            failed.append(suite)
    return failed
