"""How much every suite measures: tiny for tests, less on a CPU, more on a GPU."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_benchmarks.machine import CPU, GPU

AUTO, TINY = "auto", "tiny"
PUBLISHED = "williams"


@dataclass(frozen=True)
class Size:
    """Of one run of the suites.

    Attributes:
        data: table of the affect models, see :func:`gpu_benchmarks.data.affect_table`.
        models: among m1 to m5.
        seconds: of one batch of evaluations; repeats: batches, of which the median is taken.
        warmup, draws: per chain, wherever chains run; hmlm looks at the clock every 100 draws.
        chains: of vmapped gradients.
        rows, levels, effects: N, J and q of the simulated scaling data; the first of each is the base.
        chunks: draws between two looks from the host.
    """

    data: str
    models: tuple[str, ...]
    seconds: float
    repeats: int
    warmup: int
    draws: int
    chains: tuple[int, ...]
    rows: tuple[int, ...]
    levels: tuple[int, ...]
    effects: tuple[int, ...]
    chunks: tuple[int, ...]


ALL = ("m1", "m2", "m3", "m4", "m5")
SIZES = {
    TINY: Size(
        data="simulated:12x10",
        models=("m4",),
        seconds=0.002,
        repeats=2,
        warmup=100,
        draws=100,
        chains=(1, 2),
        rows=(200, 400),
        levels=(10, 20),
        effects=(1, 2),
        chunks=(5, 10),
    ),
    CPU: Size(
        data=PUBLISHED,
        models=ALL,
        seconds=0.3,
        repeats=5,
        warmup=500,
        draws=1000,
        chains=(1, 10, 100),
        rows=(10_000, 1_000, 100_000),
        levels=(100, 10, 1_000),
        effects=(2, 1, 10),
        chunks=(10, 100),
    ),
    GPU: Size(
        data=PUBLISHED,
        models=ALL,
        seconds=0.5,
        repeats=5,
        warmup=500,
        draws=1000,
        chains=(1, 10, 100, 1_000, 8_192),
        rows=(100_000, 1_000, 10_000, 1_000_000),
        levels=(100, 10, 1_000, 10_000),
        effects=(2, 1, 10),
        chunks=(10, 100, 1_000),
    ),
}
