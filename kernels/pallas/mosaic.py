"""Launching a Mosaic GPU kernel, where JAX and the device have what it takes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp

LANES = 128  # threads of the warpgroup that runs one program
HOPPER = 9  # major compute capability

Body = Callable[[Any, Any], None]


@cache
def mosaic() -> ModuleType | None:
    """JAX's Mosaic GPU, loaded at first use since that takes a while; None where this build has none."""
    try:
        return importlib.import_module("jax.experimental.pallas.mosaic_gpu")
    except ImportError:
        return None


def missing(device: jax.Device | None = None) -> str | None:
    """Why the kernels can't run on a device (by default the first), None where they can."""
    device = device or jax.devices()[0]
    if device.platform not in ("gpu", "cuda"):
        return f"{device.device_kind} is no GPU"
    major = str(getattr(device, "compute_capability", "")).split(".")[0]
    if not major.isdigit() or int(major) < HOPPER:
        return f"{device.device_kind} is older than Hopper (compute capability {HOPPER}.0)"
    return None if mosaic() else "this build of JAX has no Mosaic GPU"


def available() -> bool:
    """Whether the kernels run on the first device; if not, :func:`missing` says why."""
    return missing() is None


def supported(device: jax.Device) -> bool:
    """Whether the kernels run on a device: Hopper and newer."""
    return missing(device) is None


def launch(body: Body, inputs: Any, out: Any, axis: str, programs: int, interpret: bool) -> Any:
    """``body(inputs, out)`` as ``programs`` programs of one kernel, each of one warpgroup.

    Mapped over chains it stays one launch, of a grid (chains, programs). Of arrays without entries ``body``
    gets the shape alone.

    Args:
        body: reads and writes trees of references, and knows its program by the axis' index.
        inputs: tree of arrays.
        out: tree of the shapes to return.
        axis: name of the grid's axis.
        interpret: run on the host, slowly, without a GPU.
    """
    leaves, tree = jax.tree.flatten(inputs)
    shapes, out_tree = jax.tree.flatten(out)
    filled = [shape for shape in shapes if shape.size]

    def flat(*references: Any) -> None:
        found = iter(references)
        known = [next(found) if part.size else part for part in leaves + shapes]
        body(tree.unflatten(known[: len(leaves)]), out_tree.unflatten(known[len(leaves) :]))

    results = mosaic().kernel(
        flat,
        out_type=filled,
        grid=(programs,),
        grid_names=(axis,),
        compiler_params=_compiler_params(),
        interpret=_interpreter() if interpret else None,
        kernel_name=axis,
    )(*(leaf for leaf in leaves if leaf.size))
    found = iter(results)
    return out_tree.unflatten(
        next(found) if part.size else jnp.zeros(part.shape, part.dtype) for part in shapes
    )


def entries(reference: Any) -> list[list[jax.Array]]:
    """All scalars of a matrix."""
    rows, columns = reference.shape
    return [[reference[a, b] for b in range(columns)] for a in range(rows)]


def zeros_like_loaded(lanes: jax.Array) -> jax.Array:
    """Zeros in the register layout of an array that was loaded, for the start of a loop."""
    return 0.0 * lanes


def padded(lower: Sequence[Sequence[jax.Array]]) -> list[list[jax.Array]]:
    """Rows of a lower triangle, filled up with zeros."""
    return [[*row, *[jnp.zeros_like(row[0])] * (len(lower) - len(row))] for row in lower]


def store(reference: Any, values: Sequence[jax.Array], start: int = 0) -> None:
    """Write one value after the other."""
    for i, value in enumerate(values, start):
        reference[i] = value


def _compiler_params() -> Any:
    """Layouts are known, and inferring them takes minutes; no program reads what it writes: no barriers."""
    gpu = mosaic()
    return gpu.CompilerParams(lowering_semantics=gpu.LoweringSemantics.Lane, unsafe_no_auto_barriers=True)


def _interpreter() -> Any:
    from jax._src.pallas.mosaic_gpu.interpret.params import InterpretGPUParams

    return InterpretGPUParams()
