"""One run of an engine in a process of its own, its compilation caches in a folder of the caller's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gpu_benchmarks.child import python_path
from gpu_benchmarks.data import write_table
from gpu_benchmarks.measurement import Measurement, Settings, load


@dataclass(frozen=True)
class Timed:
    """A run with the wall-clock seconds of its whole process, from before its start until it is gone."""

    measured: Measurement
    wall: float


def launch(
    engine: str, model: str, table: Path, settings: Settings, folder: Path, changed: Mapping[str, str] = {}
) -> Timed:
    """One run in a process of its own.

    Args:
        engine, model: among :data:`ENGINES` and :data:`gpu_benchmarks.stated.STATED`.
        table: of :func:`gpu_benchmarks.data.write_table`.
        settings: of the run.
        folder: with every compilation cache, and where the run is written.
        changed: environment variables beside those of :func:`environment`.
    """
    path, numbers = folder / "run.npz", (settings.warmup, settings.draws, settings.seed)
    command = [sys.executable, "-m", "gpu_benchmarks.worker", engine, model, str(table)]
    began = time.perf_counter()
    subprocess.run(
        [*command, *map(str, numbers), str(path)], check=True, env={**environment(folder), **changed}
    )
    wall = time.perf_counter() - began
    return Timed(load(path), wall)


def shared_table(table: pd.DataFrame, folder: Path) -> Path:
    """The file that every engine's process reads the table from."""
    path = folder / "table.npz"
    write_table(table, path)
    return path


def environment(folder: Path) -> dict[str, str]:
    """This process's environment with every compilation cache on and in ``folder``, and this package
    importable.

    JAX's keeps programs however quickly they compiled; PyTensor keeps what Numba compiled for it below its
    base directory (``numba__cache``); Numba's own is for what libraries cache by themselves.
    """
    flags = [
        os.environ.get("PYTENSOR_FLAGS", ""),
        f"base_compiledir={folder / 'pytensor'}",
        "numba__cache=True",
    ]
    return {
        **os.environ,
        "PYTHONPATH": python_path(),
        "JAX_ENABLE_COMPILATION_CACHE": "true",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "PYTENSOR_FLAGS": ",".join(flag for flag in flags if flag),
        "NUMBA_CACHE_DIR": str(folder / "numba"),
    }
