"""One run in its own process: ``python -m gpu_benchmarks.worker ENGINE MODEL WARMUP DRAWS SEED FILE``."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

ENGINES = {
    "hmlm": "gpu_benchmarks.run_hmlm",
    "numpyro": "gpu_benchmarks.run_numpyro",
    "pymc": "gpu_benchmarks.run_pymc",
}


def main(arguments: Sequence[str]) -> None:
    """Measure and save; started by :mod:`gpu_benchmarks.peers`, which has pinned the process."""
    from gpu_benchmarks.measurement import Settings, save

    engine, model, warmup, draws, seed, path = arguments
    warnings.simplefilter("ignore")  # of short runs about few draws: the table has the sample sizes
    measured = import_module(ENGINES[engine]).run(model, Settings(int(warmup), int(draws), int(seed)))
    save(measured, Path(path))


if __name__ == "__main__":
    main(sys.argv[1:])
