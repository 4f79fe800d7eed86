"""One core, one thread, float64: set before anything numerical is imported, and inherited by subprocesses."""

from __future__ import annotations

import os

XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


def pin() -> None:
    """Keep this process and its children on one core and in float64.

    JAX runs on the CPU unless ``JAX_PLATFORMS`` says otherwise. Choose the core with ``taskset``; of several
    that are allowed, the last is taken.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ.update(dict.fromkeys(THREADS, "1"))
    flags = os.environ.get("XLA_FLAGS", "")
    if XLA_ONE_THREAD not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {XLA_ONE_THREAD}".strip()
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


def use_device() -> None:
    """Float64 on a GPU, with the CPU beside it to compare with; cores stay free.

    Memory is taken as it is needed, so that a process leaves some for those it starts.
    """
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    wanted = os.environ.get("JAX_PLATFORMS", "")
    if wanted and "cpu" not in wanted.split(","):
        os.environ["JAX_PLATFORMS"] = f"{wanted},cpu"


def prepare(platform: str) -> None:
    """This process as measurements on ``platform`` want it."""
    if platform == "cpu":
        pin()
    else:
        use_device()
