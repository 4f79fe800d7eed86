"""Compiled programs of a run, kept by what they depend on: new data of equal shape never recompile."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from hmlm.infer.algorithm import Algorithm
from hmlm.infer.placement import AXIS, Placement

Tree = Any

N_DRAWS = jax.ShapeDtypeStruct((), np.int32)


@dataclass(frozen=True)
class Program:
    """Executables for one group of chains.

    Attributes:
        start: (keys, positions, data) -> states.
        advance: (states, data, n) -> (states, draws), ``n`` draws of at most ``chunk``.
        algorithm: what it was made for.
        seconds: what compiling took.
    """

    start: Callable[..., Tree]
    advance: Callable[..., tuple[Tree, Tree]]
    algorithm: Algorithm
    seconds: float


def compile_program(
    algorithm: Algorithm, placement: Placement, keys: Tree, positions: Tree, data: Tree
) -> Program:
    """The program for arguments of these shapes, compiled now or remembered."""
    leaves, structure = jax.tree.flatten((keys, positions, data))
    shapes = tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding) for leaf in leaves)
    return _compile(algorithm, placement.mesh, placement.pmap, structure, shapes)


@lru_cache(maxsize=64)
def _compile(algorithm: Algorithm, mesh: Mesh | None, pmap: bool, structure: Tree, shapes: tuple) -> Program:
    """Both programs at the same time: compiling is most of the wait before the first draw."""
    began = time.perf_counter()
    keys, positions, data = jax.tree.unflatten(structure, shapes)
    split = partial(_mapped if pmap else _split, mesh)
    start = jax.jit(split(algorithm.start, (True, True, False)))
    advance = jax.jit(split(algorithm.advance, (True, False, False)))
    lowered = start.lower(keys, positions, data)
    states = lowered.out_info
    if mesh is not None:
        states = jax.tree.map(lambda s: _sharded(s, keys.sharding), states)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lowered.compile)
        second = advance.lower(states, data, N_DRAWS).compile()
        return Program(first.result(), second, algorithm, seconds=time.perf_counter() - began)


def forget_programs() -> None:
    """Let go of remembered programs; each holds some of the memory maps that a process may have."""
    _compile.cache_clear()


def _split(mesh: Mesh | None, function: Callable, over_chains: tuple[bool, ...]) -> Callable:
    """``function`` with those arguments, and what it gives, split over the devices of a mesh."""
    if mesh is None:
        return function
    specs = tuple(PartitionSpec(AXIS) if split else PartitionSpec() for split in over_chains)
    return jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=PartitionSpec(AXIS), check_vma=False)


def _mapped(mesh: Mesh, function: Callable, over_chains: tuple[bool, ...]) -> Callable:
    """The same by pmap, whose arrays have an axis of devices before that of a device's chains."""
    devices = mesh.devices.tolist()
    axes = tuple(0 if split else None for split in over_chains)
    spread = jax.pmap(function, AXIS, in_axes=axes, devices=devices)

    def cut(leaf: Any) -> Any:
        return leaf.reshape(len(devices), len(leaf) // len(devices), *leaf.shape[1:])

    def joined(leaf: Any) -> Any:
        return leaf.reshape(leaf.shape[0] * leaf.shape[1], *leaf.shape[2:])

    def mapped(*arguments: Tree) -> Tree:
        per_device = zip(arguments, over_chains, strict=True)
        return jax.tree.map(
            joined, spread(*(jax.tree.map(cut, a) if split else a for a, split in per_device))
        )

    return mapped


def _sharded(struct: jax.ShapeDtypeStruct, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
    """What comes out split over devices; an array without elements never does."""
    if struct.size == 0:
        sharding = NamedSharding(sharding.mesh, PartitionSpec())
    return jax.ShapeDtypeStruct(struct.shape, struct.dtype, sharding=sharding)
