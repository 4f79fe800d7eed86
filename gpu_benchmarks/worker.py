"""One run in its own process: ``python -m gpu_benchmarks.worker ENGINE MODEL TABLE WARMUP DRAWS SEED FILE``.

Nothing of one engine is imported into the process of another.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path


def main(arguments: Sequence[str]) -> None:
    """Measure and save; started by :func:`gpu_benchmarks.launch.launch` in a process that is pinned."""
    from gpu_benchmarks.data import read_table
    from gpu_benchmarks.engines import ENGINES
    from gpu_benchmarks.measurement import Settings, save

    engine, model, table, warmup, draws, seed, path = arguments
    warnings.simplefilter("ignore")  # of short runs about few draws: the table has the sample sizes
    settings = Settings(int(warmup), int(draws), int(seed))
    measured = import_module(ENGINES[engine].module).run(model, read_table(Path(table)), settings)
    save(measured, Path(path))


if __name__ == "__main__":
    main(sys.argv[1:])
