"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real

from hmlm.infer.metric import DENSE, METRICS
from hmlm.infer.parallel import AUTO, check_device, check_parallel, checked_devices
from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError

NUTS, CHEES, MEADS = "nuts", "chees", "meads"
SAMPLERS = (AUTO, NUTS, CHEES, MEADS)
FEWEST_IN_STEP = 8
MANY_CHAINS = 32  # from which on those that advance together are worth more than trees
LARGEST_SEED = 2**32 - 1
ALL, POPULATION = "all", "population"  # of what may be kept


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
        thin: the last of every so many draws is kept; ``draws`` counts them before that.
        keep: ``"all"`` (group effects can be had from the draws), ``"population"`` (the parameters alone), or
            names of what to keep (:mod:`hmlm.infer.keep`).
        parallel: how chains are spread over devices, see :mod:`hmlm.infer.parallel`.
        device: ``"auto"``, ``"cpu"`` or ``"gpu"``.
        init: where it starts, see :mod:`hmlm.infer.starts`; of points that were given, their hash.
        metric: ``"dense"`` over population-level coordinates, ``"diagonal"`` or ``"low-rank"``, see
            :mod:`hmlm.infer.metric`.
        resample: whether an approximation's draws are taken by importance; None leaves it to k-hat.
    """

    chains: int = 4
    warmup: int = 300
    draws: int = 1000
    seed: int = 0
    target_accept: float = 0.8
    max_tree_depth: int = 10
    devices: int | tuple[int, ...] | None = None
    algorithm: str = AUTO
    chunk: int | None = None
    thin: int = 1
    keep: str | tuple[str, ...] = ALL
    parallel: str = AUTO
    device: str = AUTO
    init: str = "auto"
    resample: bool | None = None
    metric: str = DENSE

    def __post_init__(self) -> None:
        for name in ("chains", "warmup", "draws", "max_tree_depth", "thin"):
            _check_count(name, getattr(self, name), 1)
        _check_thin(self.draws, self.thin)
        object.__setattr__(self, "keep", _named(self.keep))
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
        if self.metric not in METRICS:
            hint = did_you_mean(str(self.metric), METRICS)
            raise HmlmError(f"metric={self.metric!r} is unknown{hint}; choose one of {', '.join(METRICS)}")
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

    @property
    def n_kept(self) -> int:
        """S, draws per chain that are kept."""
        return self.draws // self.thin


GIVEN = tuple(field.name for field in fields(Settings) if field.name != "chunk")  # those that users name


def _check_thin(draws: int, thin: int) -> None:
    if draws % thin:
        fewer, more = draws - draws % thin, draws - draws % thin + thin
        nearest = f"{fewer} or {more}" if fewer else str(more)
        raise HmlmError(
            f"thin={thin} keeps the last of every {thin} draws, so draws={draws} must be a multiple of it: "
            f"say draws={nearest}"
        )


def _named(keep: object) -> str | tuple[str, ...]:
    """``keep`` as a word or as names."""
    if isinstance(keep, str):
        return keep if keep in (ALL, POPULATION) else (keep,)
    names = tuple(keep) if isinstance(keep, list | tuple) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise HmlmError(
            f"keep={keep!r} must be {ALL!r}, {POPULATION!r} or a list of draws' names, such as "
            '["b_Intercept", "sigma", "r_id"]'
        )
    return names


def _check_count(name: str, value: object, least: int, most: int | None = None) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"between {least} and {most}"
        raise HmlmError(f"{name}={value!r} must be a whole number {bounds}")
