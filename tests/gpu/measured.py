"""What the compiler made of every program: counts that a snapshot keeps, and what must never be in it.

``python -m tests.gpu.measured`` writes the snapshot of the installed jaxlib anew.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gpu_benchmarks.hlo import deepest, whole_program

from .h100 import Compiled, compile_for_h100, on_one, split, whole
from .programs import CASES, chunk, density, gradient, gradient_arguments

SNAPSHOT = Path(__file__).parent / "launches.json"
CHAINS = (1, 64, 1024)
GRADIENTS = [(name, chains) for name in CASES for chains in CHAINS]
SAMPLED = ("m1", "m5")
SAMPLED_CHAINS = 64
DOUBLE = ("m1", "m5")
LEAPFROG = 3  # loops around it: draws, doublings of the trajectory, leapfrogs


def compiled_gradient(name: str, chains: int, dtype: type = np.float32) -> Compiled:
    """Value and gradient of a case for so many chains at once, compiled once."""
    return _compiled_gradient(name, chains, dtype)


@cache
def _compiled_gradient(name: str, chains: int, dtype: type) -> Compiled:
    of = density(name)
    with jax.enable_x64(dtype is np.float64):
        return compile_for_h100(gradient(of), *on_one(gradient_arguments(of, chains, dtype)))


@cache
def compiled_chunk(name: str) -> Compiled:
    """100 draws of NUTS of many chains on one GPU."""
    advance, arguments = chunk(density(name), SAMPLED_CHAINS)
    return compile_for_h100(advance, *on_one(arguments))


def compiled_over(name: str, devices: int) -> Compiled:
    """The same with the chains split over GPUs, as the driver splits them."""
    advance, (states, *shared) = chunk(density(name), SAMPLED_CHAINS)
    states, shared = split(jax.tree.map(lambda s: each(s, devices), states), devices), whole(shared, devices)
    specs = jax.tree.map(lambda leaf: leaf.sharding.spec, (states, *shared))
    mesh = jax.tree.leaves(states)[0].sharding.mesh
    spread = jax.shard_map(advance, mesh=mesh, in_specs=specs, out_specs=states_spec(states), check_vma=False)
    return compile_for_h100(spread, states, *shared)


def each(struct: jax.ShapeDtypeStruct, devices: int) -> jax.ShapeDtypeStruct:
    """What chains of a device share, for all devices; what each chain has, as it is."""
    n, *rest = struct.shape
    return jax.ShapeDtypeStruct((devices if n == 1 else n, *rest), struct.dtype)


def states_spec(states: Any) -> Any:
    """How states, and draws with them, are split."""
    return jax.tree.leaves(states)[0].sharding.spec


def of_gradient(name: str, chains: int, dtype: type = np.float32) -> dict[str, int]:
    """Kernels launched and bytes of memory."""
    compiled = compiled_gradient(name, chains, dtype)
    count = whole_program(compiled.hlo).count
    return {"kernels": count.kernels, "copies": count.copies, **memory(compiled)}


def of_leapfrog(name: str) -> dict[str, int]:
    """Kernels and copies of one leapfrog of all chains, its checks for a U-turn included."""
    leapfrog = deepest(whole_program(compiled_chunk(name).hlo))[LEAPFROG]
    return {"kernels": leapfrog.kernels, "copies": leapfrog.copies, **memory(compiled_chunk(name))}


def memory(compiled: Compiled) -> dict[str, int]:
    """Bytes of arguments, results and temporaries."""
    sizes = compiled.memory
    return {
        "argument bytes": sizes.argument_size_in_bytes,
        "output bytes": sizes.output_size_in_bytes,
        "temporary bytes": sizes.temp_size_in_bytes,
    }


def measure() -> dict[str, dict[str, int]]:
    """Everything the snapshot keeps, by the name of the program."""
    found = {f"gradient {name}, {chains} chains": of_gradient(name, chains) for name, chains in GRADIENTS}
    for name in DOUBLE:
        found[f"gradient {name}, 64 chains, double"] = of_gradient(name, 64, np.float64)
    return found | {f"leapfrog {name}, {SAMPLED_CHAINS} chains": of_leapfrog(name) for name in SAMPLED}


def known() -> dict[str, dict[str, dict[str, int]]]:
    """Snapshots by version of jaxlib."""
    return json.loads(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}


def has_compiler() -> bool:
    """Whether JAX's CUDA plugin is installed."""
    return find_spec("jax_plugins") is not None and find_spec("jax_plugins.xla_cuda13") is not None


def snapshot() -> dict[str, dict[str, int]]:
    """What was measured with this jaxlib; with one never seen, the most that any had."""
    if version("jaxlib") in known():
        return known()[version("jaxlib")]
    most = {}
    for measured in known().values():
        for program, counts in measured.items():
            before = most.setdefault(program, counts)
            most[program] = {what: max(n, before[what]) for what, n in counts.items()}
    return most


def table() -> str:
    """The snapshots as the Markdown table of ``docs/gpu.md``."""
    versions = sorted(known())
    programs = {program: None for found in known().values() for program in found}
    head = ["program", *(f"jaxlib {version}" for version in versions)]
    cells = [[program, *(_cell(known()[v].get(program)) for v in versions)] for program in programs]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *cells])


def _cell(counts: dict[str, int] | None) -> str:
    if counts is None:
        return ""
    copies = f" + {counts['copies']} copies" if counts["copies"] else ""
    return f"{counts['kernels']}{copies}, {counts['temporary bytes'] / 2**20:.1f} MiB"


if __name__ == "__main__":
    now = {**known(), version("jaxlib"): measure()}
    SNAPSHOT.write_text(json.dumps(now, indent=1) + "\n")
