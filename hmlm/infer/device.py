"""CPU or GPU: a rule from the operations of a gradient, the launches it takes and the number of chains.

The launches are those that a compiler for an H100 makes (``tests/gpu/launches.json``); what a launch takes
and what a GPU does meanwhile are assumptions. Nothing here was timed on a GPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax

from hmlm.density.explain import gradient_seconds
from hmlm.density.log_density import LogDensity
from hmlm.infer.integrator import gradients_per_step
from hmlm.infer.parallel import AUTO
from hmlm.infer.placement import available_cores
from hmlm.infer.settings import Settings
from hmlm.types import HmlmError

CPU, GPU = "cpu", "gpu"
LAUNCHES = {"statistics": 21, "outcomes": 40, "rows": 48}  # of a gradient, the most of models 1 to 5
AROUND = 20  # launches of a step of NUTS beside those of its gradients
SECONDS_PER_LAUNCH = 4e-6
GPU_IN_CORES = 200  # cores that do together what a GPU with enough chains does, cautiously
MARGIN = 2  # times that a GPU must be faster by the rule


@dataclass(frozen=True)
class Work:
    """What a step of one chain asks for: ``seconds`` of a CPU core, ``launches`` of a GPU."""

    seconds: float
    launches: int


@dataclass(frozen=True)
class Picked:
    """``platform``, ``"cpu"`` or ``"gpu"``, and the ``reason`` in a line; no platform: JAX's default."""

    platform: str | None
    reason: str


def pick_device(density: LogDensity, settings: Settings) -> Picked:
    """Where a run takes place.

    Raises:
        HmlmError: a GPU is asked for and JAX finds none.
    """
    default, gpu = jax.default_backend(), has_gpu()
    if default not in (CPU, GPU):
        return Picked(None, f"{default}: where JAX runs here")
    if settings.devices is not None and settings.device == AUTO:
        return Picked(default, f"{default.upper()}: the devices that were asked for")
    return choose(settings.device, work_of(density), settings.chains, available_cores(), gpu)


def choose(asked: str, work: Work, chains: int, cores: int, gpu: bool) -> Picked:
    """CPU or GPU, and why.

    ``chains * seconds / cores`` against ``launches * 4 µs + chains * seconds / 200``: the time of a step of
    all chains. A GPU must win by a factor of two.

    Args:
        asked: ``"auto"``, ``"cpu"`` or ``"gpu"``.
        work: of a step.
        chains: of this host.
        cores: CPU cores there are.
        gpu: whether there is one.

    Raises:
        HmlmError: a GPU is asked for and there is none.
    """
    if asked == GPU and not gpu:
        raise HmlmError(
            "device='gpu', but JAX finds no GPU; where there is one install hmlm with the extra cuda13 or "
            "cuda12 (`hmlm doctor` says what JAX sees), or leave device='auto'"
        )
    if asked != AUTO:
        return Picked(asked, f"{asked.upper()}: as asked")
    if not gpu:
        return Picked(CPU, "CPU: no GPU found")
    on_cpu, on_gpu = cpu_seconds(work, chains, cores), gpu_seconds(work, chains)
    platform = GPU if MARGIN * on_gpu < on_cpu else CPU
    return Picked(
        platform,
        f"{platform.upper()}: a step of {chains} chains takes about {_time(on_cpu)} on {cores} cores and "
        f"{_time(on_gpu)} on a GPU, {_time(work.launches * SECONDS_PER_LAUNCH)} of it for {work.launches} "
        "launches (by a rule; never timed on a GPU)",
    )


def cpu_seconds(work: Work, chains: int, cores: int) -> float:
    """A step of all chains on a CPU."""
    return math.ceil(chains / cores) * work.seconds


def gpu_seconds(work: Work, chains: int) -> float:
    """A step of all chains on a GPU, by the rule."""
    return work.launches * SECONDS_PER_LAUNCH + chains * work.seconds / GPU_IN_CORES


def worthwhile(work: Work, cores: int) -> int | None:
    """From how many chains on a GPU is chosen, None if never."""
    gain = work.seconds / cores - MARGIN * work.seconds / GPU_IN_CORES
    return None if gain <= 0 else math.ceil(MARGIN * work.launches * SECONDS_PER_LAUNCH / gain)


def device_line(density: LogDensity) -> str:
    """For ``explain()``: what ``device="auto"`` does with a model on this machine."""
    work, cores = work_of(density), available_cores()
    least = worthwhile(work, cores)
    when = "never" if least is None else f"from about {least} chains on"
    found = "there is one" if has_gpu() else "no GPU found, so it is the CPU"
    return (
        f"device: {found}; a GPU would be chosen {when} ({work.launches} launches a step against "
        f"{_time(work.seconds)} on each of {cores} cores; by a rule, never timed on a GPU)"
    )


def work_of(density: LogDensity) -> Work:
    """Of a step: its gradients and what NUTS does around them."""
    if density.data.statistics is None:
        kind = "rows"
    else:
        kind = "outcomes" if density.spec.multivariate else "statistics"
    n = gradients_per_step(density.size)
    return Work(n * gradient_seconds(density), n * LAUNCHES[kind] + AROUND)


def has_gpu() -> bool:
    """Whether JAX finds one."""
    try:
        return bool(jax.local_devices(backend=GPU))
    except RuntimeError:
        return False


def _time(seconds: float) -> str:
    return f"{1e6 * seconds:.0f} µs" if seconds < 1e-3 else f"{1e3 * seconds:.1f} ms"
