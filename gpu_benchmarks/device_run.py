"""One process of the comparison of placements.

``python -m gpu_benchmarks.device_run MODEL TABLE CHAINS WARMUP DRAWS PARALLEL DEVICES CORES``
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

SEED = 14


def main(arguments: Sequence[str]) -> None:
    """Sample and print the figures; CORES that the process may use, 0 for all."""
    model, path, chains, warmup, draws, parallel, devices, cores = arguments
    if int(cores):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    placement = {"parallel": parallel, "devices": int(devices)}
    numbers = {"algorithm": "nuts", "chains": int(chains), "warmup": int(warmup), "draws": int(draws)}
    print(json.dumps(figures(model, Path(path), {**numbers, **placement})))


def figures(model: str, path: Path, settings: dict) -> dict[str, float]:
    """By the names of :data:`gpu_benchmarks.devices.FIGURES`."""
    import warnings

    from gpu_benchmarks.data import read_table
    from gpu_benchmarks.densities import stated
    from gpu_benchmarks.measurement import bulk_ess
    from gpu_benchmarks.samplers import draws

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = stated(model, read_table(path)).fit(seed=SEED, progress=False, **settings)
    seconds = dict(fit.info.seconds)
    return {
        **{phase: seconds[phase] for phase in ("compile", "warmup", "sampling")},
        "leapfrogs": float(fit.sample_stats["n_steps"].sum()),
        "ess": float(bulk_ess(draws(fit)).min()),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
