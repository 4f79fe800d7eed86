"""What the driver asks of an algorithm, and which one samples a density."""

from __future__ import annotations

from typing import Any, Protocol

from jax import Array

from hmlm.density.log_density import LogDensity
from hmlm.density.state import DensityData
from hmlm.infer.chees import make_chees
from hmlm.infer.draws import Draws
from hmlm.infer.meads import make_meads
from hmlm.infer.nuts import make_nuts
from hmlm.infer.settings import CHEES, MEADS, NUTS, Settings

State = Any


class Algorithm(Protocol):
    """The program of a run for groups of chains: hashable, equal values share compiled code.

    The leaves of a state have a leading axis, of the group's chains or, for what they share, of length 1.

    Attributes:
        chunk: draws that a call has room for.
        meetings: after how many draws, warm-up's counted, all groups meet.
    """

    @property
    def chunk(self) -> int: ...

    @property
    def meetings(self) -> tuple[int, ...]: ...

    def start(self, keys: Array, positions: Array, data: DensityData) -> State:
        """The state of chains with (C, 2) ``keys`` at (C, D) ``positions``."""
        ...

    def advance(self, state: State, data: DensityData, n: Array) -> tuple[State, Draws]:
        """The state after ``n`` draws, and (C, chunk) draws whose first ``n`` these are."""
        ...

    def meet(self, states: list[State]) -> list[State]:
        """On the host, at a meeting: the states of all groups, having learnt from each other."""
        ...

    def log_densities(self, state: State) -> tuple[Array, Array]:
        """(C,) log densities and (C, D) gradients where the chains are."""
        ...


def make_algorithm(density: LogDensity, settings: Settings, together: int) -> Algorithm:
    """The program of a run's settings, ``together`` chains in one group."""
    make = {NUTS: make_nuts, CHEES: make_chees, MEADS: make_meads}[settings.sampler]
    return make(density.static, settings, together)


def stops(algorithm: Algorithm, settings: Settings) -> list[int]:
    """After how many draws calls must end: at meetings, after warm-up and after the last draw."""
    return sorted({*algorithm.meetings, settings.warmup, settings.warmup + settings.draws})
