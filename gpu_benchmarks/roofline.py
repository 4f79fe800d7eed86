"""How near the floor of this processor a kernel runs: the larger of bytes / bandwidth and operations / peak.

Both limits of one core are measured, not looked up: the peak by BLAS's product of matrices that fit in cache,
the bandwidth of every level of the memory by BLAS's dot product, which only reads. A kernel whose
arrays fit in a cache is held against that cache's bandwidth, since every evaluation reads them again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpu_benchmarks.report import Table
from gpu_benchmarks.work import Kernel, RowKernel

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "": 1}
UNKNOWN = {"L2": 2**20, "L3": 2**25}  # where the system does not say
MEMORY = "memory"
MATRIX = 768  # rows of the square matrices of the peak
SECONDS, REPEATS = 0.02, 7
HEADER = (
    "model",
    "backend",
    "kernel",
    "kB",
    "k operations",
    "bytes from",
    "bandwidth µs",
    "operations µs",
    "floor µs",
    "gradient µs",
    "share of floor",
)
EXPLANATION = """\
Floor of the likelihood kernel alone, value and gradient, against the whole gradient, in which priors and
coordinates come on top. Bytes and operations: counted in `gpu_benchmarks/work.py`, term by term; an
operation is an addition, a multiplication or both fused. Bytes from: the smallest level of memory that
holds them. Floor: the larger of the two times. Share of floor: floor over gradient, 1 being as fast as
can be."""


@dataclass(frozen=True)
class Level:
    """One level of memory: ``size`` bytes (None for the main memory), ``bandwidth`` bytes read per second."""

    name: str
    size: int | None
    bandwidth: float


@dataclass(frozen=True)
class Core:
    """One core: fused multiply-adds per second in float64, and its levels of memory, nearest first."""

    peak: float
    levels: tuple[Level, ...]

    def level(self, n_bytes: int) -> Level:
        """The nearest level that holds so many bytes."""
        return next(level for level in self.levels if level.size is None or n_bytes <= level.size)


@dataclass(frozen=True)
class Floor:
    """Seconds that the bytes and the operations of a kernel take at least."""

    level: str
    bandwidth: float
    operations: float

    @property
    def seconds(self) -> float:
        """The larger one."""
        return max(self.bandwidth, self.operations)


@dataclass(frozen=True)
class Timed:
    """A kernel's model, backend and sizes with the seconds of one gradient."""

    model: str
    backend: str
    kernel: Kernel
    seconds: float


def floor(kernel: Kernel, core: Core) -> Floor:
    """The floor of a kernel in float64."""
    n_bytes = sum(kernel.bytes().values())
    level = core.level(n_bytes)
    return Floor(level.name, n_bytes / level.bandwidth, sum(kernel.operations().values()) / core.peak)


def roofline_table(timed: Sequence[Timed], core: Core) -> Table:
    """A row per timed kernel."""
    levels = ", ".join(f"{level.name} {level.bandwidth / 1e9:.0f} GB/s" for level in core.levels)
    measured = f"This core: {core.peak / 1e9:.1f} billion fused multiply-adds per second; reads {levels}."
    rows = [_row(one, floor(one.kernel, core)) for one in timed]
    return Table("Roofline", HEADER, rows, EXPLANATION, (measured,))


def _row(timed: Timed, at_least: Floor) -> tuple:
    kernel = timed.kernel
    return (
        timed.model,
        timed.backend,
        "rows" if isinstance(kernel, RowKernel) else "statistics",
        sum(kernel.bytes().values()) / 1e3,
        sum(kernel.operations().values()) / 1e3,
        at_least.level,
        at_least.bandwidth * 1e6,
        at_least.operations * 1e6,
        at_least.seconds * 1e6,
        timed.seconds * 1e6,
        at_least.seconds / timed.seconds,
    )


def core() -> Core:
    """Measure this core; the process must be pinned to it and BLAS to one thread."""
    sizes = cache_sizes()
    caches = [Level(name, size, read_bandwidth(size // 2)) for name, size in sizes.items()]
    beyond = 8 * max(sizes.values())
    return Core(peak_multiply_adds(), (*caches, Level(MEMORY, None, read_bandwidth(beyond))))


def peak_multiply_adds() -> float:
    """``n^3`` multiply-adds of a product of (n, n) matrices over its time: within some 10 % of the peak."""
    a, b, out = (np.random.default_rng(i).normal(size=(MATRIX, MATRIX)) for i in range(3))
    return MATRIX**3 / best_seconds(lambda: np.matmul(a, b, out=out))


def read_bandwidth(n_bytes: int) -> float:
    """Bytes per second of a dot product of two arrays that fill ``n_bytes`` together."""
    n = n_bytes // 16
    x, y = np.ones(n), np.ones(n)
    return 16 * n / best_seconds(lambda: np.dot(x, y))


def best_seconds(call: Callable[[], object]) -> float:
    """Least time of one call over batches: what disturbs a limit only ever makes it look lower."""
    n = 1
    while (took := _seconds(call, n)) < SECONDS / 4:
        n *= 2
    n = max(1, round(n * SECONDS / took))
    return min(_seconds(call, n) for _ in range(REPEATS)) / n


def _seconds(call: Callable[[], object], n: int) -> float:
    began = time.perf_counter()
    for _ in range(n):
        call()
    return time.perf_counter() - began


def cache_sizes(folder: Path = CACHES) -> dict[str, int]:
    """Bytes of the caches that hold data beyond the first level, by name, nearest first."""
    found = {}
    for index in sorted(folder.glob("index*")):
        kind, level, size = ((index / name).read_text().strip() for name in ("type", "level", "size"))
        if kind != "Instruction" and int(level) > 1:
            found[f"L{level}"] = as_bytes(size)
    return found or dict(UNKNOWN)


def as_bytes(text: str) -> int:
    """``"1024K"`` -> 1048576."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if match is None:
        raise ValueError(f"{text!r} is no size of a cache")
    return int(match[1]) * UNITS[match[2]]
