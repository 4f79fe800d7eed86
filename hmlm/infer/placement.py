"""Where chains run: threads of one CPU, vmap on one device, or a mesh of several; on each host its part."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from hmlm.infer.hosts import Hosts, nearest_multiple
from hmlm.infer.parallel import AUTO, PMAP, SHARD_MAP, THREADS
from hmlm.types import HmlmError

Tree = Any

AXIS = "chains"
SMALLEST_ENSEMBLE = 16
CPU = "cpu"


@dataclass(frozen=True)
class Placement:
    """How chains are grouped; each group is one call of a compiled program.

    Attributes:
        groups: number of groups on this host.
        chains: chains per group, advanced together by vmap.
        mesh: devices that split a group's chains, None for the default device.
        workers: host threads that run groups at the same time.
        first: number of this host's first chain among all hosts' chains.
        pmap: whether pmap splits them, not shard_map.
    """

    groups: int
    chains: int
    mesh: Mesh | None
    workers: int
    first: int = 0
    pmap: bool = False

    @property
    def own(self) -> slice:
        """Which of the run's chains are this host's."""
        return slice(self.first, self.first + self.groups * self.chains)

    @property
    def together(self) -> int:
        """Chains that one device advances by vmap: each waits for the longest trajectory among them."""
        return self.chains if self.mesh is None else self.chains // self.mesh.size

    @property
    def per_chain(self) -> NamedSharding | None:
        """Sharding of arrays with a leading axis of chains, or of devices."""
        return None if self.mesh is None else NamedSharding(self.mesh, PartitionSpec(AXIS))

    @property
    def shared(self) -> NamedSharding | None:
        """Sharding of the data, which every device holds whole."""
        return None if self.mesh is None else NamedSharding(self.mesh, PartitionSpec())

    def put(self, state: Tree) -> Tree:
        """A state on its devices; an array without elements is never split."""
        if self.mesh is None:
            return state
        return jax.tree.map(
            lambda leaf: jax.device_put(leaf, self.per_chain if np.size(leaf) else self.shared), state
        )


def place(
    chains: int,
    devices: int | Sequence[int] | None,
    parallel: str = AUTO,
    platform: str | None = None,
    hosts: Hosts = Hosts(),  # noqa: B008  a frozen value
    *,
    in_step: bool = False,
) -> Placement:
    """The placement of this host's part of a run.

    On one CPU device every chain is its own group, as many at a time as there are cores: no chain waits
    for the longest trajectory of another. Chains in step are a group per core, unless these were few.
    On one GPU all chains are one vmapped group.

    Args:
        chains: of all hosts.
        devices: how many of each host, or which by their numbers there; None is one.
        parallel: one of :data:`hmlm.infer.parallel.PARALLEL`.
        platform: ``"cpu"`` or ``"gpu"``; None is where JAX runs by default.
        hosts: that share the run.
        in_step: whether chains of a group tune each other.

    Raises:
        HmlmError: devices that do not exist, or chains that do not divide by hosts and devices.
    """
    part = hosts.part(chains)
    own, wanted = part.stop - part.start, _wanted(devices, platform)
    several, default = len(wanted) > 1, wanted == jax.local_devices()[:1]
    if parallel == THREADS or (parallel == AUTO and not several and wanted[0].platform == CPU):
        _check_threads(wanted, parallel)
        mesh = None if default else Mesh(wanted, (AXIS,))
        groups = _groups_in_step(own) if in_step else own
        return Placement(groups, own // groups, mesh, min(groups, available_cores()), part.start)
    _check_divides(chains, len(wanted), hosts)
    plain = default and parallel in (AUTO, SHARD_MAP)
    return Placement(1, own, None if plain else Mesh(wanted, (AXIS,)), 1, part.start, parallel == PMAP)


def _groups_in_step(chains: int) -> int:
    """As many as there are cores, but of equal size, and none that is too small to learn from itself."""
    counts = range(min(available_cores(), chains // SMALLEST_ENSEMBLE), 1, -1)
    return next((n for n in counts if chains % n == 0), 1)


def available_cores() -> int:
    """CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _wanted(devices: int | Sequence[int] | None, platform: str | None) -> list[jax.Device]:
    present = jax.local_devices(backend=platform)
    numbers = list(range(devices or 1)) if isinstance(devices, int | None) else list(devices)
    if max(numbers) >= len(present):
        raise HmlmError(_teaches(devices, max(numbers) + 1, present))
    return [present[number] for number in numbers]


def _teaches(devices: object, needed: int, present: list[jax.Device]) -> str:
    kind = present[0].platform
    said = f"devices={devices}, but JAX sees {len(present)} ({kind})"
    if kind != CPU:
        return f"{said}: take at most devices={len(present)}, or leave devices=None"
    return (
        f"{said}. JAX makes several devices of a CPU only where it has not started yet: call hm.fit(..., "
        f"devices={needed}) or `hmlm fit --devices {needed}` first, or set the environment variable "
        f"JAX_NUM_CPU_DEVICES={needed}; or leave devices=None"
    )


def _check_threads(wanted: list[jax.Device], parallel: str) -> None:
    if len(wanted) > 1 or wanted[0].platform != CPU:
        raise HmlmError(
            f"parallel={parallel!r} is for one CPU device, but {len(wanted)} of {wanted[0].platform} were "
            f"asked for; leave parallel={AUTO!r}, or devices=None with device='cpu'"
        )


def _check_divides(chains: int, devices: int, hosts: Hosts) -> None:
    parts = devices * hosts.count
    if chains % parts:
        on = f" on each of {hosts.count} hosts" if hosts.count > 1 else ""
        raise HmlmError(
            f"chains={chains} must be a multiple of devices={devices}{on}: "
            f"chains={nearest_multiple(chains, parts)}"
        )
