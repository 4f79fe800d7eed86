"""One process of the sweep.

``python -m gpu_benchmarks.flag_run MODEL TABLE CHAINS CHUNK SECONDS REPEATS``
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> None:
    """Time a gradient and two chunks of NUTS, and print the figures."""
    from gpu_benchmarks.data import read_table
    from gpu_benchmarks.densities import stated

    model, path, *numbers = arguments
    density = stated(model, read_table(Path(path))).log_density
    print(json.dumps(figures(density, *map(float, numbers))))


def figures(density, chains: float, chunk: float, seconds: float, repeats: float) -> dict[str, float]:
    """By the names of :data:`gpu_benchmarks.flags.FIGURES`."""
    import jax

    from gpu_benchmarks.chains import Where, start_group
    from gpu_benchmarks.scaling import target
    from gpu_benchmarks.timing import measure
    from hmlm.infer.settings import Settings

    timing = measure(target(density, int(chains)), int(repeats), seconds)
    settings = Settings(chains=int(chains), warmup=2 * int(chunk), draws=1, chunk=int(chunk))
    group, took = start_group(density, settings, Where(jax.devices()[0], "float64")), []
    for _ in range(2):
        began = time.perf_counter()
        group, _ = group.advance(group.program.algorithm.chunk)
        took.append(time.perf_counter() - began)
    return {
        "gradient_us": timing.microseconds,
        "gradient_compile_s": timing.compile,
        "nuts_compile_s": group.program.seconds,
        "first_chunk_s": took[0],
        "second_chunk_s": took[1],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
