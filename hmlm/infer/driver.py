"""The driver: compiled chunks for every chain, and between them a look from the host."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import jax
import numpy as np

from hmlm.density.log_density import LogDensity
from hmlm.density.pad import Padded, over_round_sizes
from hmlm.density.precision import double_precision
from hmlm.infer.algorithm import Algorithm, make_algorithm, stops
from hmlm.infer.checkpoint.folder import Folder
from hmlm.infer.checkpoint.lock import locked
from hmlm.infer.checkpoint.stream import disk_sink, last_state
from hmlm.infer.checkpoint.whole import read_whole
from hmlm.infer.clock import Clock
from hmlm.infer.collect import collect
from hmlm.infer.device import pick_device
from hmlm.infer.draws import Draws
from hmlm.infer.hosts import Hosts, all_hosts
from hmlm.infer.keep import what_to_keep
from hmlm.infer.meeting import check_alike, joined, meet
from hmlm.infer.pace import Pace
from hmlm.infer.placement import Placement, place
from hmlm.infer.program import Program, compile_program
from hmlm.infer.progress import ProgressBar
from hmlm.infer.record import make_recorder
from hmlm.infer.room import check_disk, check_memory
from hmlm.infer.run import Run, run_of
from hmlm.infer.settings import Settings
from hmlm.infer.sink import MemorySink, Moment, Sink
from hmlm.infer.starts import Starts, make_starts
from hmlm.infer.superchains import superchains_of
from hmlm.types import HmlmError

Tree = Any
Meet = Callable[[int, list[Tree]], list[Tree]]
"""Draws done and the states of all groups -> the states, having learnt from those of every host."""

WHILE_JOINED = 2  # a run's parts become one file per array in the end, and are there until then
ATTEMPTS = 20  # at a starting point with a finite density


def sample(
    density: LogDensity,
    settings: Settings,
    *,
    progress: bool | None = None,
    points: np.ndarray | None = None,
    checkpoint: Folder | None = None,
    padded: Padded | None = None,
) -> Run:
    """Sample a density; on several hosts each its part of the chains, and every host gets all of them.

    Args:
        density: what to sample.
        settings: of the run.
        progress: show a bar; None means only at a terminal.
        points: (C, D) where chains start, in place of what ``settings.init`` names.
        checkpoint: writes the run there, and goes on with the one that is there. Density and points are those
            of :func:`hmlm.infer.checkpoint.kept_density.kept_density`.
        padded: the density over round sizes, which is sampled in its place.

    Raises:
        KeyboardInterrupt: interrupted before the first draw after warm-up.
        HmlmError: no starting point has a finite density, devices that do not exist, draws that do not fit
            in memory, a folder that cannot be used, or a host is lost.
    """
    hosts = all_hosts()
    with hosts.together():
        check_alike(hosts, density, settings)
        if checkpoint is None:
            check_memory(density.spec, density.size, settings)
            return joined(hosts, _sample(hosts, density, settings, progress, points, padded=padded))
        return _sample_into(checkpoint, hosts, density, settings, progress, points)


def _sample_into(
    checkpoint: Folder,
    hosts: Hosts,
    density: LogDensity,
    settings: Settings,
    progress: bool | None,
    points: np.ndarray | None,
) -> Run:
    """The run of a folder: read, gone on with, or begun."""
    if hosts.count > 1:
        raise HmlmError("checkpoint= is of runs on one host: leave it out, or sample on one host")
    with locked(checkpoint.path):
        finished = read_whole(checkpoint)
        if finished is not None:
            return run_of(*finished)
        needed = what_to_keep(density.spec, settings.keep).bytes_of(density.spec, density.size, settings)
        check_disk(checkpoint.path, WHILE_JOINED * needed)
        return _sample(hosts, density, settings, progress, points, checkpoint)


def _sample(
    hosts: Hosts,
    density: LogDensity,
    settings: Settings,
    progress: bool | None,
    points: np.ndarray | None,
    checkpoint: Folder | None = None,
    padded: Padded | None = None,
) -> Run:
    """This host's part of the chains."""
    clock, picked = Clock(), pick_device(density, settings)
    sampled, points = over_round_sizes(density, padded, points, settings.seed)
    placement = place(
        settings.chains, settings.devices, settings.parallel, picked.platform, hosts, in_step=settings.in_step
    )
    algorithm = make_algorithm(sampled, settings, placement.chains)
    saved = None if checkpoint is None else last_state(checkpoint)
    starts = _nowhere(sampled, settings) if saved else _starts(sampled, settings, points)
    shown = progress if hosts.own == 0 else False
    with ProgressBar(settings.warmup + settings.draws, show=shown) as bar:
        with double_precision():
            keys = _chain_keys(settings)[placement.own]
            data = jax.device_put(sampled.data, placement.shared)
            first = next(_arguments(placement, keys, starts(0)[placement.own]))
            clock.lap("prepare")
            program = compile_program(algorithm, placement, *first, data)
            clock.lap("compile")
        with ThreadPoolExecutor(placement.workers) as pool:
            states = _start(pool, program, placement, keys, starts, data, anywhere=saved is not None)
            clock.lap("start")
            shared = superchains_of(starts(0))
            moment = Moment(states, together=placement.together, superchains=shared, device=picked.reason)
            sink: Sink = MemorySink(settings.n_kept)
            if checkpoint is not None:
                sink, moment = disk_sink(checkpoint, saved, moment)
            meet_fn = partial(meet, hosts, placement, algorithm)
            calls = _advance(pool, program, meet_fn, moment, data, settings)
            at_once = checkpoint is not None or padded is not None
            recorder = make_recorder(density, settings, placement.own, values=at_once, padded=padded)
            return collect(calls, clock, recorder, sink, moment, bar)


def _start(
    pool: Executor,
    program: Program,
    placement: Placement,
    keys: jax.Array,
    starts: Starts,
    data: Tree,
    *,
    anywhere: bool,
) -> list[Tree]:
    """States of all groups at their starting points, drawn again where density or gradient is not finite.

    Of chains that go on from elsewhere only the structure of their states matters: these may be ``anywhere``.
    """
    positions = starts(0)[placement.own]
    for attempt in range(1, ATTEMPTS + 1):
        with double_precision():
            arguments = list(_arguments(placement, keys, positions))
        states = _each(pool, program.start, arguments, data)
        bad = ~np.concatenate([_finite(program.algorithm, state) for state in states])
        if anywhere or not bad.any():
            return states
        positions = np.where(bad[:, None], starts(attempt)[placement.own], positions)
    raise HmlmError(
        f"no finite starting point after {ATTEMPTS} attempts: a column may be far from the others in scale, "
        "or a prior may exclude what the data say; rescale columns and check the bounds of the priors"
    )


def _starts(density: LogDensity, settings: Settings, points: np.ndarray | None) -> Starts:
    init = settings.init if points is None else points
    return cache(make_starts(density, init, settings.chains, settings.seed))


def _nowhere(density: LogDensity, settings: Settings) -> Starts:
    """One place for all chains, which go on from others."""
    return lambda attempt=0: np.tile(density.initial, (settings.chains, 1))


def _finite(algorithm: Algorithm, state: Tree) -> np.ndarray:
    """(C,) whether log density and gradient are finite."""
    leaves = [np.asarray(leaf) for leaf in algorithm.log_densities(state)]
    return np.all([np.isfinite(leaf.reshape(len(leaf), -1)).all(1) for leaf in leaves], axis=0)


def _advance(
    pool: Executor, program: Program, meet_fn: Meet, moment: Moment, data: Tree, settings: Settings
) -> Iterator[tuple[Draws, list[Tree], int]]:
    """Draws of all chains on the host, the states after them and how many draws each chain has then made.

    None of these calls holds both warm-up and later draws.
    """
    algorithm, states, done = program.algorithm, moment.states, moment.done
    pace = Pace(settings.chunk, algorithm.chunk)
    for end in stops(algorithm, settings):
        while done < end:
            n = min(pace.n, end - done)
            began = time.perf_counter()
            states, draws = _call(pool, program, states, data, n)
            done += n
            pace = pace.after(n, time.perf_counter() - began)
            if done in algorithm.meetings:
                with double_precision():
                    states = meet_fn(done, states)
            yield draws, states, done


def _call(
    pool: Executor, program: Program, states: list[Tree], data: Tree, n: int
) -> tuple[list[Tree], Draws]:
    """States after ``n`` draws, and these; each group's go to the host before the next group's are made."""

    def advance(state: Tree) -> tuple[Tree, Draws]:
        state, draws = jax.block_until_ready(program.advance(state, data, np.int32(n)))
        return state, jax.tree.map(lambda leaf: np.array(np.asarray(leaf)[:, :n]), draws)

    results = _each(pool, advance, [(state,) for state in states])
    whole = jax.tree.map(lambda *leaves: np.concatenate(leaves), *(draws for _, draws in results))
    return [state for state, _ in results], whole


def _each(pool: Executor, function: Any, arguments: list[tuple], *shared: Tree) -> list[Tree]:
    """``function(*arguments, *shared)`` of every group, groups at the same time."""

    def run(group: tuple) -> Tree:
        with double_precision():
            return jax.block_until_ready(function(*group, *shared))

    return list(pool.map(run, arguments))


def _chain_keys(settings: Settings) -> jax.Array:
    return _fold_in(np.uint32(settings.seed), np.arange(settings.chains, dtype=np.uint32))


@jax.jit
def _fold_in(seed: jax.Array, chains: jax.Array) -> jax.Array:
    key = jax.random.key_data(jax.random.key(seed))
    return jax.vmap(lambda chain: jax.random.fold_in(key, chain))(chains)


def _arguments(placement: Placement, keys: jax.Array, positions: np.ndarray) -> Iterator[tuple]:
    """(keys, positions) of each group, on its devices."""
    size = placement.chains
    for g in range(placement.groups):
        part = slice(g * size, (g + 1) * size)
        yield tuple(jax.device_put(array[part], placement.per_chain) for array in (keys, positions))
