"""What a device really ran, from JAX's profiler."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jax.profiler import ProfileData

DEVICES, HOST = "/device:GPU", "/host:CPU"
OPERATION, RUN = "hlo_op", "run_id"


class Profile(NamedTuple):
    """Kernels that ran and the microseconds that the device was busy, per call; None where none was seen."""

    kernels: float | None
    busy: float | None


def profile(call: Callable[[], Any], n: int) -> Profile:
    """Run ``call`` so many times under the profiler."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(n):
                jax.block_until_ready(call())
        events = [event for path in Path(folder).rglob("*.xplane.pb") for event in kernels(path)]
    if not events:
        return Profile(None, None)
    return Profile(len({key for key, _ in events}) / n, sum(took for _, took in events) / 1e3 / n)


def kernels(path: Path) -> Iterator[tuple[tuple, float]]:
    """(key, nanoseconds) of every kernel of a trace; parts of one kernel share their key.

    On a GPU every event on a stream is a kernel or a copy; on a CPU an operation of one execution is, and
    shows up once per part.
    """
    planes = list(ProfileData.from_file(str(path)).planes)
    for plane in planes:
        if plane.name.startswith(DEVICES):
            yield from _of_streams(plane)
    if not any(plane.name.startswith(DEVICES) for plane in planes):
        for plane in planes:
            if plane.name == HOST:
                yield from _of_host(plane)


def _of_streams(plane: Any) -> Iterator[tuple[tuple, float]]:
    for line in plane.lines:
        if line.name.startswith("Stream"):
            for i, event in enumerate(line.events):
                yield (plane.name, line.name, i), event.duration_ns


def _of_host(plane: Any) -> Iterator[tuple[tuple, float]]:
    for line in plane.lines:
        for event in line.events:
            stats = dict(event.stats)
            if OPERATION in stats:
                yield (stats[OPERATION], stats.get(RUN)), event.duration_ns
