"""What sampling gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hmlm.infer.draws import Draws
from hmlm.infer.record import EFFECTS, LONGEST, POSITION, VALUES, Arrays


@dataclass(frozen=True)
class Run:
    """What sampling gave.

    Attributes:
        draws: positions (C, S, D), (C, S, 0) where they are not kept, and statistics (C, S), on the host or
            on disk until they are looked at.
        seconds: wall-clock seconds of ``compile``, ``warmup`` and ``sampling``.
        interrupted: whether Ctrl-C ended it early; then S is less than asked for.
        values: (P, C, S) parameters that are kept, None where positions give them.
        effects: by number of the block (C, S, J, Q) group effects that are kept themselves.
        longest: (C, S) most gradients of a draw among those that thinning joined, None without thinning.
    """

    draws: Draws
    seconds: dict[str, float]
    interrupted: bool
    values: np.ndarray | None = None
    effects: Mapping[int, np.ndarray] = field(default_factory=dict)
    longest: np.ndarray | None = None


def run_of(arrays: Arrays, seconds: Mapping[str, float], *, interrupted: bool) -> Run:
    """The run of a sink's arrays."""
    shape = arrays["lp"].shape
    found = {POSITION: np.empty((*shape, 0)), **arrays}
    return Run(
        Draws(**{name: found[name] for name in Draws._fields}),
        dict(seconds),
        interrupted,
        values=found.get(VALUES),
        effects={int(n.removeprefix(EFFECTS)): u for n, u in found.items() if n.startswith(EFFECTS)},
        longest=found.get(LONGEST),
    )
