"""Compile for an H100 that is not there: no GPU, no driver, only the compiler of JAX's CUDA plugin.

What comes out is exact about launches, memory and machine code. It is no run: nothing here says how fast a
program would be, or that it would compute the right numbers.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding, SingleDeviceSharding

Tree = Any

TARGET = Path(__file__).parent / "h100.txtpb"
SPILLED = re.compile(r"(\d+) bytes spill stores")


@dataclass(frozen=True)
class Compiled:
    """A program for the GPU.

    Attributes:
        hlo: the optimised program, as text.
        ptx: of all kernels, one text each.
        memory: JAX's ``memory_analysis`` of it: bytes of arguments, outputs and temporaries.
    """

    hlo: str
    ptx: tuple[str, ...]
    memory: Any

    def spilled(self) -> int:
        """Bytes that kernels store because they run out of registers, by NVIDIA's own assembler."""
        return sum(_spilled(text) for text in self.ptx)


@cache
def h100s(n: int) -> Mesh:
    """``n`` of them along one axis, "chains"."""
    described = topologies.get_topology_desc(
        platform="cuda", target_config=TARGET.read_text(), topology=f"1x1x{n}"
    )
    return Mesh(np.array(described.devices), ("chains",))


def on_one(tree: Tree) -> Tree:
    """Shapes of arrays that lie on one H100."""
    return _placed(tree, SingleDeviceSharding(h100s(1).devices[0]))


def split(tree: Tree, n: int) -> Tree:
    """Shapes of arrays whose leading axis is split over ``n`` H100s."""
    return _placed(tree, NamedSharding(h100s(n), PartitionSpec("chains")))


def whole(tree: Tree, n: int) -> Tree:
    """Shapes of arrays that each of ``n`` H100s holds whole."""
    return _placed(tree, NamedSharding(h100s(n), PartitionSpec()))


def compile_for_h100(function: Callable, *arguments: Tree) -> Compiled:
    """``function`` for arguments of :func:`on_one`, :func:`split` or :func:`whole`, with its PTX."""
    with TemporaryDirectory() as folder:
        lowered = jax.jit(function).lower(*arguments)
        compiled = lowered.compile(compiler_options={"xla_dump_to": folder})
        ptx = tuple(path.read_text() for path in sorted(Path(folder).glob("*.ptx")))
    return Compiled(compiled.as_text(), ptx, compiled.memory_analysis())


def _placed(tree: Tree, sharding: Sharding) -> Tree:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree)


def _spilled(ptx: str) -> int:
    with TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(ptx)
        command = [_ptxas(), "-v", "-arch=sm_90a", "-o", Path(folder) / "kernel.cubin", source]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return sum(int(size) for size in SPILLED.findall(said))


def _ptxas() -> str:
    folders = find_spec("nvidia").submodule_search_locations
    return next(str(path) for folder in folders for path in Path(folder).glob("*/bin/ptxas"))
