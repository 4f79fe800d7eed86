"""What a run may say about devices, and the devices that a CPU is cut into."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from numbers import Integral
from typing import Any

from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError

AUTO, SHARD_MAP, PMAP, THREADS = "auto", "shard_map", "pmap", "threads"
PARALLEL = (AUTO, SHARD_MAP, PMAP, THREADS)
DEVICES = (AUTO, "cpu", "gpu")
CUT = "xla_force_host_platform_device_count"  # XLA's flag for the same


def check_parallel(parallel: object) -> None:
    """That it is one of :data:`PARALLEL`.

    Raises:
        HmlmError: it is not.
    """
    if parallel not in PARALLEL:
        hint = did_you_mean(str(parallel), PARALLEL)
        raise HmlmError(f"parallel={parallel!r} is unknown{hint}; choose one of {', '.join(PARALLEL)}")


def check_device(device: object) -> None:
    """That it is one of :data:`DEVICES`.

    Raises:
        HmlmError: it is not.
    """
    if device not in DEVICES:
        hint = did_you_mean(str(device), DEVICES)
        raise HmlmError(
            f"device={device!r} is unknown{hint}; choose one of {', '.join(DEVICES)} (devices= says how many)"
        )


def checked_devices(devices: Any) -> int | tuple[int, ...]:
    """A number of devices, or their numbers as a tuple.

    Raises:
        HmlmError: it is neither.
    """
    if _whole(devices, 1):
        return devices
    listed = tuple(devices) if isinstance(devices, Sequence) and not isinstance(devices, str) else ()
    if not listed or len(set(listed)) < len(listed) or not all(_whole(number, 0) for number in listed):
        raise HmlmError(
            f"devices={devices!r} must be a whole number of at least 1, or a list of different devices, such "
            "as [0, 1] or jax.devices()[:2]"
        )
    return listed


def _whole(value: object, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def cut_cpu(devices: Any) -> None:
    """Cut the CPU into as many devices as are asked for, where JAX has not started and nobody else did.

    Args:
        devices: as :meth:`hmlm.Model.fit` takes them; what it does not allow is left to it.
    """
    import jax

    wanted = number_needed(devices)
    if wanted > 1 and jax.config.jax_num_cpu_devices < 0 and CUT not in os.environ.get("XLA_FLAGS", ""):
        with suppress(RuntimeError):  # JAX runs: whoever places the chains says what to do
            jax.config.update("jax_num_cpu_devices", wanted)


def number_needed(devices: Any) -> int:
    """How many devices there must be for those asked for; 1 where that is no number or list of numbers."""
    if isinstance(devices, int):
        return devices
    if isinstance(devices, Sequence) and all(isinstance(number, int) for number in devices):
        return 1 + max(devices, default=0)
    return 1


def as_numbers(devices: Any) -> tuple[Any, str | None]:
    """Devices as numbers among this host's, and their platform where they are JAX's devices.

    Raises:
        HmlmError: devices of several platforms, or of another host.
    """
    import jax

    if isinstance(devices, jax.Device):
        devices = [devices]
    if not isinstance(devices, Sequence) or not any(isinstance(device, jax.Device) for device in devices):
        return devices, None
    kinds = {getattr(device, "platform", "numbers") for device in devices}
    present = jax.local_devices(backend=devices[0].platform)
    if len(kinds) > 1 or not all(device in present for device in devices):
        raise HmlmError(
            f"devices={list(devices)!r} must be of one kind and of this host, some of {present!r}"
        )
    return tuple(present.index(device) for device in devices), kinds.pop()
