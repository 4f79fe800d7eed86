"""Wall-clock seconds of a run by phase."""

from __future__ import annotations

import time
from collections.abc import Mapping

BEFORE = ("prepare", "compile", "start")  # the first draw
PHASES = (*BEFORE, "warmup", "sampling")


class Clock:
    """Seconds of every phase so far, in the order of :data:`PHASES`.

    ``prepare`` is the plan, the pilot estimate and starting points; ``compile`` is tracing and compiling;
    ``start`` the density where chains start.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """What has passed since the last lap was spent on ``phase``."""
        now = time.perf_counter()
        self.seconds[phase] += now - self._last
        self._last = now

    def add(self, seconds: Mapping[str, float]) -> None:
        """Seconds of phases that were spent before, by a run that goes on."""
        for phase, spent in seconds.items():
            self.seconds[phase] += spent
