"""Where draws go as they come: arrays in memory that have room for all of them from the beginning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from hmlm.infer.record import VALUES

Arrays = Mapping[str, np.ndarray]

FACTS = ("done", "kept", "divergences", "together", "superchains", "device")


@dataclass(frozen=True)
class Moment:
    """A run between two calls: all that going on from here takes.

    Attributes:
        states: of every group of chains.
        done: draws that each chain has made, warm-up's too.
        kept: draws of each chain that are kept.
        divergences: after warm-up, of all chains.
        seconds: spent so far by phase.
        together, superchains, device: of :class:`hmlm.infer.run.Run`.
        carried: of :meth:`hmlm.infer.record.Recorder.record`.
    """

    states: list[Any]
    done: int = 0
    kept: int = 0
    divergences: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    carried: Arrays = field(default_factory=dict)
    together: int = 1
    superchains: int = 0
    device: str = ""

    def facts(self) -> dict[str, Any]:
        """All but arrays."""
        return {name: getattr(self, name) for name in FACTS} | {"seconds": dict(self.seconds)}


class Sink(Protocol):
    """Takes what is kept of a run."""

    def put(self, record: Arrays, moment: Moment) -> None:
        """Take a record, {} of no draws, and the moment after it."""
        ...

    def close(self, *, complete: bool) -> dict[str, np.ndarray]:
        """All that was put; a run that is not ``complete`` may go on later."""
        ...


def draw_axis(name: str) -> int:
    """Which axis of the array of that name counts draws; the one before it counts chains."""
    return 2 if name == VALUES else 1


def at(name: str, low: int, high: int) -> tuple[slice, ...]:
    """Index of the draws from ``low`` to ``high``."""
    return (*(slice(None),) * draw_axis(name), slice(low, high))


def shape_of_all(name: str, record: np.ndarray, n_draws: int) -> tuple[int, ...]:
    """Shape of an array like that of a record, with room for ``n_draws``."""
    axis = draw_axis(name)
    return (*record.shape[:axis], n_draws, *record.shape[axis + 1 :])


class MemorySink:
    """Arrays of ``n_draws`` draws per chain; memory is taken as they fill."""

    def __init__(self, n_draws: int) -> None:
        self._n_draws, self._kept = n_draws, 0
        self._arrays: dict[str, np.ndarray] = {}

    def put(self, record: Arrays, moment: Moment) -> None:
        """As :class:`Sink`; a moment need not be remembered."""
        for name, part in record.items():
            if name not in self._arrays:
                self._arrays[name] = np.empty(shape_of_all(name, part, self._n_draws), part.dtype)
            n = part.shape[draw_axis(name)]
            self._arrays[name][at(name, moment.kept - n, moment.kept)] = part
        self._kept = moment.kept

    def close(self, *, complete: bool) -> dict[str, np.ndarray]:
        """As :class:`Sink`."""
        return {name: array[at(name, 0, self._kept)] for name, array in self._arrays.items() if self._kept}
