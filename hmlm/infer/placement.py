"""Where chains run: threads of one CPU, vmap on one device, or a mesh of several devices."""

from __future__ import annotations

import os
from dataclasses import dataclass

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from hmlm.types import HmlmError

AXIS = "chains"
SMALLEST_ENSEMBLE = 16


@dataclass(frozen=True)
class Placement:
    """How chains are grouped; each group is one call of a compiled program.

    Attributes:
        groups: number of groups.
        chains: chains per group, advanced together by vmap.
        mesh: devices that split a group's chains, None for the default device.
        workers: host threads that run groups at the same time.
    """

    groups: int
    chains: int
    mesh: Mesh | None
    workers: int

    @property
    def together(self) -> int:
        """Chains that one device advances by vmap: each waits for the longest trajectory among them."""
        return self.chains if self.mesh is None else self.chains // self.mesh.size

    @property
    def per_chain(self) -> NamedSharding | None:
        """Sharding of arrays with a leading axis of chains."""
        return None if self.mesh is None else NamedSharding(self.mesh, PartitionSpec(AXIS))

    @property
    def shared(self) -> NamedSharding | None:
        """Sharding of the data, which every device holds whole."""
        return None if self.mesh is None else NamedSharding(self.mesh, PartitionSpec())


def place(chains: int, devices: int | None, *, ensemble: bool = False) -> Placement:
    """The placement of a run.

    On one CPU device every chain is its own group, as many at a time as there are cores: no chain waits
    for the longest trajectory of another. Chains of an ensemble are a group per core, unless these were few.
    On one GPU all chains are one vmapped group.

    Raises:
        HmlmError: more devices than there are, or chains that do not divide by them.
    """
    if devices is None or devices == 1:
        if jax.default_backend() == "cpu":
            if ensemble:
                groups = _ensembles(chains)
                return Placement(groups, chains // groups, None, groups)
            return Placement(chains, 1, None, min(chains, available_cores()))
        return Placement(1, chains, None, 1)
    _check_devices(chains, devices)
    return Placement(1, chains, Mesh(jax.devices()[:devices], (AXIS,)), 1)


def _ensembles(chains: int) -> int:
    """As many as there are cores, but of equal size, and none that is too small to learn from itself."""
    counts = range(min(available_cores(), chains // SMALLEST_ENSEMBLE), 1, -1)
    return next((n for n in counts if chains % n == 0), 1)


def available_cores() -> int:
    """CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_devices(chains: int, devices: int) -> None:
    present = len(jax.devices())
    if devices > present:
        raise HmlmError(
            f"devices={devices}, but JAX sees {present}. For several CPU devices set the environment "
            f"variable JAX_NUM_CPU_DEVICES={devices} before JAX starts, or leave devices=None"
        )
    if chains % devices:
        raise HmlmError(f"chains={chains} must be a multiple of devices={devices}")
