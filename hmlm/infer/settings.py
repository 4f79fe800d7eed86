"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real

from hmlm.infer.parallel import AUTO, check_device, check_parallel, checked_devices
from hmlm.types import HmlmError

NUTS, CHEES, MEADS = "nuts", "chees", "meads"
SAMPLERS = (AUTO, NUTS, CHEES, MEADS)
FEWEST_IN_STEP = 8
MANY_CHAINS = 32  # from which on those that advance together are worth more than trees
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    Attributes:
        chains: number of chains.
        warmup: adaptation draws per chain, thrown away.
        draws: draws kept per chain.
        seed: of all randomness.
        target_accept: mean acceptance probability that the step size is adapted to.
        max_tree_depth: trajectories have at most ``2**max_tree_depth - 1`` steps.
        devices: of each host, how many to spread the chains over, or which, by their numbers; None is one
            device, and on a CPU one thread per core.
        algorithm: ``"nuts"``, ``"chees"``, ``"meads"``, or ``"auto"``: ChEES from 32 chains on, below NUTS;
            or an approximation, see :mod:`hmlm.infer.arguments`.
        chunk: draws between two looks from the host; None takes as many as a quarter of a second allows.
        parallel: how chains are spread over devices, see :mod:`hmlm.infer.parallel`.
        device: ``"auto"``, ``"cpu"`` or ``"gpu"``.
        init: where it starts, see :mod:`hmlm.infer.starts`; of points that were given, their hash.
        resample: whether an approximation's draws are taken by importance; None leaves it to k-hat.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    seed: int = 0
    target_accept: float = 0.8
    max_tree_depth: int = 10
    devices: int | tuple[int, ...] | None = None
    algorithm: str = AUTO
    chunk: int | None = None
    parallel: str = AUTO
    device: str = AUTO
    init: str = "auto"
    resample: bool | None = None

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
        if self.in_step and self.chains < FEWEST_IN_STEP:
            raise HmlmError(
                f"algorithm={self.algorithm!r} tunes chains by each other: it needs chains={FEWEST_IN_STEP} "
                f"at least and is good from {2 * MANY_CHAINS} on; there are {self.chains}. For few chains "
                f"take algorithm={NUTS!r}"
            )

    @property
    def sampler(self) -> str:
        """The algorithm, ``"auto"`` resolved."""
        if self.algorithm != AUTO:
            return self.algorithm
        return CHEES if self.chains >= MANY_CHAINS else NUTS

    @property
    def in_step(self) -> bool:
        """Whether chains advance in step and tune each other."""
        return self.sampler in (CHEES, MEADS)


GIVEN = tuple(field.name for field in fields(Settings) if field.name != "chunk")  # those that users name


def _check_count(name: str, value: object, least: int, most: int | None = None) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"between {least} and {most}"
        raise HmlmError(f"{name}={value!r} must be a whole number {bounds}")
