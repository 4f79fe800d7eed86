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

from hmlm.infer.nuts import Nuts, advance_chain, start_chain
from hmlm.infer.placement import AXIS, Placement

Tree = Any

N_DRAWS = jax.ShapeDtypeStruct((), np.int32)


@dataclass(frozen=True)
class Program:
    """Executables for one group of chains.

    Attributes:
        start: (keys, positions, data) -> states.
        advance: (states, data, n) -> (states, draws), ``n`` draws of at most ``chunk``.
        chunk: draws that a call has room for.
        seconds: what compiling took.
    """

    start: Callable[..., Tree]
    advance: Callable[..., tuple[Tree, Tree]]
    chunk: int
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
    over_chains = _alone if mesh is None and keys.shape[0] == 1 else partial(_together, mesh)
    start = jax.jit(over_chains(lambda key, x, data: start_chain(nuts, key, x, data), 2))
    advance = jax.jit(over_chains(lambda state, data, n: advance_chain(nuts, state, data, n), 1))
    lowered = start.lower(keys, positions, data)
    states = lowered.out_info
    if mesh is not None:
        states = jax.tree.map(lambda s: _sharded(s, keys.sharding), states)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lowered.compile)
        second = advance.lower(states, data, N_DRAWS).compile()
        return Program(first.result(), second, nuts.chunk, seconds=time.perf_counter() - began)


def forget_programs() -> None:
    """Let go of remembered programs; each holds some of the memory maps that a process may have."""
    _compile.cache_clear()


def _alone(function: Callable, n_batched: int) -> Callable:
    """``function`` for a leading axis of one chain; vmap would make it compute both sides of every branch."""

    def one(*arguments: Tree) -> Tree:
        batched, shared = arguments[:n_batched], arguments[n_batched:]
        out = function(*jax.tree.map(lambda leaf: leaf[0], batched), *shared)
        return jax.tree.map(lambda leaf: leaf[None], out)

    return one


def _together(mesh: Mesh | None, function: Callable, n_batched: int) -> Callable:
    """``function`` over a leading axis of chains on its first arguments, data shared."""

    def all_chains(*arguments: Tree) -> Tree:
        axes = (*(0,) * n_batched, *(None,) * (len(arguments) - n_batched))
        batched = jax.vmap(function, in_axes=axes)
        if mesh is None:
            return batched(*arguments)
        specs = tuple(PartitionSpec() if axis is None else PartitionSpec(AXIS) for axis in axes)
        out = PartitionSpec(AXIS)
        return jax.shard_map(batched, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False)(*arguments)

    return all_chains


def _sharded(struct: jax.ShapeDtypeStruct, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
    """What comes out split over devices; an array without elements never does."""
    if struct.size == 0:
        sharding = NamedSharding(sharding.mesh, PartitionSpec())
    return jax.ShapeDtypeStruct(struct.shape, struct.dtype, sharding=sharding)
