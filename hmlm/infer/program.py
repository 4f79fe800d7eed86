"""Compiled programs of a run, kept by what they depend on: new data of equal shape never recompile."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
from jax.sharding import Mesh, PartitionSpec

from hmlm.infer.nuts import Nuts, advance_chain, start_chain
from hmlm.infer.placement import AXIS, Placement

Tree = Any


@dataclass(frozen=True)
class Program:
    """Executables for one group of chains.

    Attributes:
        start: (keys, positions, data) -> states.
        advance: (states, data) -> (states, draws).
        seconds: what compiling took.
    """

    start: Callable[..., Tree]
    advance: Callable[..., tuple[Tree, Tree]]
    seconds: float


def compile_program(nuts: Nuts, placement: Placement, keys: Tree, positions: Tree, data: Tree) -> Program:
    """The program for arguments of these shapes, compiled now or remembered."""
    leaves, structure = jax.tree.flatten((keys, positions, data))
    shapes = tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding) for leaf in leaves)
    return _compile(nuts, placement.mesh, structure, shapes)


@lru_cache(maxsize=64)
def _compile(nuts: Nuts, mesh: Mesh | None, structure: Tree, shapes: tuple) -> Program:
    """Both programs at the same time: compiling is most of the wait before the first draw."""
    began = time.perf_counter()
    keys, positions, data = jax.tree.unflatten(structure, shapes)
    start = _over_chains(lambda key, x, data: start_chain(nuts, key, x, data), 2, mesh)
    advance = _over_chains(lambda state, data: advance_chain(nuts, state, data), 1, mesh)
    lowered = start.lower(keys, positions, data)
    states = lowered.out_info
    if mesh is not None:
        states = jax.tree.map(lambda s: _sharded(s, keys.sharding), states)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lowered.compile)
        second = advance.lower(states, data).compile()
        return Program(first.result(), second, seconds=time.perf_counter() - began)


def _over_chains(function: Callable, n_batched: int, mesh: Mesh | None) -> Any:
    """Jitted ``function`` with a leading axis of chains on its first arguments, data shared."""
    batched = jax.vmap(function, in_axes=(*(0,) * n_batched, None))
    if mesh is not None:
        specs = (*(PartitionSpec(AXIS),) * n_batched, PartitionSpec())
        batched = jax.shard_map(
            batched, mesh=mesh, in_specs=specs, out_specs=PartitionSpec(AXIS), check_vma=False
        )
    return jax.jit(batched)


def _sharded(struct: jax.ShapeDtypeStruct, sharding: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(struct.shape, struct.dtype, sharding=sharding)
