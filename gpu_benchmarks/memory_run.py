"""One process of the memory table: ``python -m gpu_benchmarks.memory_run MODEL TABLE CHAINS CHUNK``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(arguments: Sequence[str]) -> None:
    """Compile and run one program, and print its figures."""
    import jax

    from gpu_benchmarks.data import read_table
    from gpu_benchmarks.densities import stated

    model, path, chains, chunk = arguments
    density = stated(model, read_table(Path(path))).log_density
    compiled, seconds = (chunk_of if int(chunk) else gradient_of)(density, int(chains), int(chunk))
    print(json.dumps({**planned(compiled), "peak": peak(jax.devices()[0]), "seconds": seconds}))


def gradient_of(density: Any, chains: int, chunk: int) -> tuple[Any, float]:
    """The compiled gradient of all chains, and the seconds of one evaluation."""
    import jax

    from gpu_benchmarks.scaling import target

    one = target(density, chains)
    value_and_grad = jax.value_and_grad(one.log_density)
    if chains > 1:
        value_and_grad = jax.vmap(value_and_grad, in_axes=(0, None))
    compiled = jax.jit(value_and_grad).lower(one.start, one.data).compile()
    jax.block_until_ready(compiled(one.start, one.data))
    began = time.perf_counter()
    jax.block_until_ready(compiled(one.start, one.data))
    return compiled, time.perf_counter() - began


def chunk_of(density: Any, chains: int, chunk: int) -> tuple[Any, float]:
    """The compiled chunk of NUTS, and the seconds of one."""
    import jax

    from gpu_benchmarks.chains import Where, start_group
    from hmlm.infer.settings import Settings

    settings = Settings(chains=chains, warmup=chunk, draws=1, chunk=chunk)
    group = start_group(density, settings, Where(jax.devices()[0], "float64"))
    began = time.perf_counter()
    group.advance(group.program.algorithm.chunk)
    return group.program.advance, time.perf_counter() - began


def planned(compiled: Any) -> dict[str, int | None]:
    """Bytes that the compiler planned, None where it does not say."""
    found = compiled.memory_analysis()
    names = {"arguments": "argument", "temporary": "temp", "output": "output"}
    return {key: getattr(found, f"{name}_size_in_bytes", None) for key, name in names.items()}


def peak(device: Any) -> int | None:
    """Bytes at the most, None where the device does not say."""
    return (device.memory_stats() or {}).get("peak_bytes_in_use")


if __name__ == "__main__":
    main(sys.argv[1:])
