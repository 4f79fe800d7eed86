"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real

from hmlm.infer.parallel import AUTO, check_device, check_parallel, checked_devices
from hmlm.types import HmlmError

LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Settings:
    """Settings of a NUTS run.

    Attributes:
        chains: number of chains.
        warmup: adaptation draws per chain, thrown away.
        draws: draws kept per chain.
        seed: of all randomness.
        target_accept: mean acceptance probability that the step size is adapted to.
        max_tree_depth: trajectories have at most ``2**max_tree_depth - 1`` steps.
        devices: of each host, how many to spread the chains over, or which, by their numbers; None is one
            device, and on a CPU one thread per core.
        chunk: draws between two looks from the host; None takes as many as a quarter of a second allows.
        parallel: how chains are spread over devices, see :mod:`hmlm.infer.parallel`.
        device: ``"auto"``, ``"cpu"`` or ``"gpu"``.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    seed: int = 0
    target_accept: float = 0.8
    max_tree_depth: int = 10
    devices: int | tuple[int, ...] | None = None
    chunk: int | None = None
    parallel: str = AUTO
    device: str = AUTO

    def __post_init__(self) -> None:
        for name, least in (("chains", 1), ("warmup", 1), ("draws", 1), ("max_tree_depth", 1)):
            _check_count(name, getattr(self, name), least)
        if self.chunk is not None:
            _check_count("chunk", self.chunk, 1)
        _check_count("seed", self.seed, 0, LARGEST_SEED)
        if self.devices is not None:
            object.__setattr__(self, "devices", checked_devices(self.devices))
        check_parallel(self.parallel)
        check_device(self.device)
        number = isinstance(self.target_accept, Real) and not isinstance(self.target_accept, bool)
        if not number or not 0.0 < self.target_accept < 1.0:
            raise HmlmError(
                f"target_accept={self.target_accept!r} must be a number between 0 and 1, e.g. 0.9"
            )


GIVEN = tuple(field.name for field in fields(Settings) if field.name != "chunk")  # those that users name


def _check_count(name: str, value: object, least: int, most: int | None = None) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"between {least} and {most}"
        raise HmlmError(f"{name}={value!r} must be a whole number {bounds}")
