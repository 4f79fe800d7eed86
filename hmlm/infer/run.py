"""What sampling gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hmlm.infer.draws import Draws
from hmlm.infer.record import EFFECTS, LONGEST, POSITION, VALUES, Arrays
from hmlm.infer.sink import Moment


@dataclass(frozen=True)
class Run:
    """What sampling gave.

    Attributes:
        draws: positions (C, S, D), (C, S, 0) where they are not kept, and statistics (C, S), on the host or
            on disk until they are looked at.
        seconds: wall-clock seconds by phase (:mod:`hmlm.infer.clock`).
        interrupted: whether Ctrl-C ended it early; then S is less than asked for.
        values: (P, C, S) parameters that are kept, None where positions give them.
        effects: by number of the block (C, S, J, Q) group effects that are kept themselves.
        together: chains that one device advanced by vmap.
        superchains: starting points that chains shared, taking turns; 0 if each had its own.
        device: on what it ran, and why there.
        longest: (C, S) most gradients of a draw among those that thinning joined, None without thinning.
    """

    draws: Draws
    seconds: dict[str, float]
    interrupted: bool
    values: np.ndarray | None = None
    effects: Mapping[int, np.ndarray] = field(default_factory=dict)
    longest: np.ndarray | None = None
    together: int = 1
    superchains: int = 0
    device: str = ""

    def with_seconds(self, phase: str, seconds: float) -> Run:
        """The run, whose phase took so many seconds more."""
        return replace(self, seconds=self.seconds | {phase: self.seconds.get(phase, 0.0) + seconds})


def run_of(arrays: Arrays, moment: Moment, *, interrupted: bool = False) -> Run:
    """The run of a sink's arrays, which ended at that moment."""
    found = {POSITION: np.empty((*arrays["lp"].shape, 0)), **arrays}
    return Run(
        Draws(**{name: found[name] for name in Draws._fields}),
        dict(moment.seconds),
        interrupted,
        values=found.get(VALUES),
        effects={int(n.removeprefix(EFFECTS)): u for n, u in found.items() if n.startswith(EFFECTS)},
        longest=found.get(LONGEST),
        together=moment.together,
        superchains=moment.superchains,
        device=moment.device,
    )
