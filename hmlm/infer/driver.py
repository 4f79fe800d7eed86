"""The driver: compiled chunks for every chain, and between them a look from the host."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np

from hmlm.density.log_density import LogDensity
from hmlm.density.precision import double_precision
from hmlm.infer.algorithm import Algorithm, make_algorithm, stops
from hmlm.infer.clock import Clock
from hmlm.infer.device import pick_device
from hmlm.infer.draws import Draws
from hmlm.infer.hosts import Hosts, all_hosts
from hmlm.infer.meeting import check_alike, joined, meet
from hmlm.infer.pace import Pace
from hmlm.infer.placement import Placement, place
from hmlm.infer.program import Program, compile_program
from hmlm.infer.progress import ProgressBar
from hmlm.infer.settings import Settings
from hmlm.infer.starts import Starts, make_starts
from hmlm.infer.superchains import superchains_of
from hmlm.types import HmlmError

Tree = Any
Meet = Callable[[int, list[Tree]], list[Tree]]
"""Draws done and the states of all groups -> the states, having learnt from those of every host."""

ATTEMPTS = 20  # at a starting point with a finite density


@dataclass(frozen=True)
class Run:
    """What sampling gave.

    Attributes:
        draws: positions (C, S, D) and statistics (C, S), warm-up left out, on the host.
        seconds: wall-clock seconds by phase (:mod:`hmlm.infer.clock`).
        interrupted: whether Ctrl-C ended it early; then S is less than asked for.
        together: chains that one device advanced by vmap.
        superchains: starting points that chains shared, taking turns; 0 if each had its own.
        device: on what it ran, and why there.
    """

    draws: Draws
    seconds: dict[str, float]
    interrupted: bool
    together: int = 1
    superchains: int = 0
    device: str = ""

    def with_seconds(self, phase: str, seconds: float) -> Run:
        """The run, whose phase took so many seconds more."""
        return replace(self, seconds=self.seconds | {phase: self.seconds.get(phase, 0.0) + seconds})


def sample(
    density: LogDensity, settings: Settings, *, progress: bool | None = None, points: np.ndarray | None = None
) -> Run:
    """Sample a density; on several hosts each its part of the chains, and every host gets all of them.

    Args:
        density: what to sample.
        settings: of the run.
        progress: show a bar; None means only at a terminal.
        points: (C, D) where chains start, in place of what ``settings.init`` names.

    Raises:
        KeyboardInterrupt: interrupted before the first draw after warm-up.
        HmlmError: no starting point has a finite density, devices that do not exist, or a host is lost.
    """
    hosts = all_hosts()
    with hosts.together():
        check_alike(hosts, density, settings)
        return joined(hosts, _sample(hosts, density, settings, progress, points))


def _sample(
    hosts: Hosts, density: LogDensity, settings: Settings, progress: bool | None, points: np.ndarray | None
) -> Run:
    """This host's part of the chains."""
    clock, picked = Clock(), pick_device(density, settings)
    placement = place(
        settings.chains, settings.devices, settings.parallel, picked.platform, hosts, in_step=settings.in_step
    )
    algorithm = make_algorithm(density, settings, placement.chains)
    starts = make_starts(density, settings.init if points is None else points, settings.chains, settings.seed)
    shown = progress if hosts.own == 0 else False
    with ProgressBar(settings.warmup + settings.draws, show=shown) as bar:
        with double_precision():
            keys = _chain_keys(settings)[placement.own]
            data = jax.device_put(density.data, placement.shared)
            first = next(_arguments(placement, keys, starts(0)[placement.own]))
            clock.lap("prepare")
            program = compile_program(algorithm, placement, *first, data)
            clock.lap("compile")
        with ThreadPoolExecutor(placement.workers) as pool:
            states = _start(pool, program, placement, keys, starts, data)
            clock.lap("start")
            meet_fn = partial(meet, hosts, placement, algorithm)
            run = _collect(pool, program, meet_fn, states, data, settings, bar, clock)
    shared = superchains_of(starts(0))
    return replace(run, together=placement.together, superchains=shared, device=picked.reason)


def _start(
    pool: Executor,
    program: Program,
    placement: Placement,
    keys: jax.Array,
    starts: Starts,
    data: Tree,
) -> list[Tree]:
    """States of all groups at their starting points, drawn again where density or gradient is not finite."""
    positions = starts(0)[placement.own]
    for attempt in range(1, ATTEMPTS + 1):
        with double_precision():
            arguments = list(_arguments(placement, keys, positions))
        states = _each(pool, program.start, arguments, data)
        bad = ~np.concatenate([_finite(program.algorithm, state) for state in states])
        if not bad.any():
            return states
        positions = np.where(bad[:, None], starts(attempt)[placement.own], positions)
    raise HmlmError(
        f"no finite starting point after {ATTEMPTS} attempts: a column may be far from the others in scale, "
        "or a prior may exclude what the data say; rescale columns and check the bounds of the priors"
    )


def _finite(algorithm: Algorithm, state: Tree) -> np.ndarray:
    """(C,) whether log density and gradient are finite."""
    leaves = [np.asarray(leaf) for leaf in algorithm.log_densities(state)]
    return np.all([np.isfinite(leaf.reshape(len(leaf), -1)).all(1) for leaf in leaves], axis=0)


def _collect(
    pool: Executor,
    program: Program,
    meet_fn: Meet,
    states: list[Tree],
    data: Tree,
    settings: Settings,
    bar: ProgressBar,
    clock: Clock,
) -> Run:
    chunks: list[Draws] = []
    done, divergences = 0, 0
    try:
        for chunk in _advance(pool, program, meet_fn, states, data, settings):
            chunks.append(chunk)
            done += chunk.lp.shape[1]
            warming = done <= settings.warmup
            divergences += 0 if warming else int(chunk.diverging.sum())
            clock.lap("warmup" if warming else "sampling")
            phase = "warm-up" if done < settings.warmup else "sampling"
            bar.update(done, phase=phase, divergences=divergences)
    except KeyboardInterrupt:
        if done <= settings.warmup:
            raise
        return Run(_kept(chunks, settings), clock.seconds, interrupted=True)
    return Run(_kept(chunks, settings), clock.seconds, interrupted=False)


def _advance(
    pool: Executor, program: Program, meet_fn: Meet, states: list[Tree], data: Tree, settings: Settings
) -> Iterator[Draws]:
    """Chunk after chunk of every chain on the host; none holds both warm-up and later draws."""
    algorithm, done = program.algorithm, 0
    pace = Pace(settings.chunk, algorithm.chunk)
    for end in stops(algorithm, settings):
        while done < end:
            n = min(pace.n, end - done)
            began = time.perf_counter()
            results = _each(pool, program.advance, [(state,) for state in states], data, np.int32(n))
            states = [state for state, _ in results]
            done += n
            pace = pace.after(n, time.perf_counter() - began)
            if done in algorithm.meetings:
                with double_precision():
                    states = meet_fn(done, states)
            yield _on_host([draws for _, draws in results], n)


def _on_host(groups: list[Draws], n: int) -> Draws:
    """The first ``n`` draws of all chains."""
    return jax.tree.map(lambda *leaves: np.concatenate([np.asarray(leaf)[:, :n] for leaf in leaves]), *groups)


def _each(pool: Executor, function: Any, arguments: list[tuple], *shared: Tree) -> list[Tree]:
    """``function(*arguments, *shared)`` of every group, groups at the same time."""

    def run(group: tuple) -> Tree:
        with double_precision():
            return jax.block_until_ready(function(*group, *shared))

    return list(pool.map(run, arguments))


def _kept(chunks: list[Draws], settings: Settings) -> Draws:
    whole = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1), *chunks)
    return jax.tree.map(lambda leaf: leaf[:, settings.warmup :], whole)


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
