"""When warm-up learns a metric: after windows that double, shared by all chains."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

SHORTEST = 20  # warm-ups with fewer draws keep the metric of the pilot
FIRST = 15  # draws before the first meeting
LAST = 0.15  # share of warm-up after the last change of the metric, for the step size
MOST_LAST = 50


@dataclass(frozen=True)
class Schedule:
    """Windows of a warm-up of ``draws`` draws."""

    draws: int

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """After how many draws a window ends; the last end is that of warm-up, where no metric is learnt."""
        if self.draws < SHORTEST:
            return (self.draws,)
        last = self.draws - min(int(LAST * self.draws), MOST_LAST)
        ends, width = [], FIRST
        while sum([*ends[-1:], 3 * width]) <= last:
            ends.append(width + (ends[-1] if ends else 0))
            width *= 2
        return (*ends, last, self.draws)

    def window(self, end: int) -> int:
        """Draws of the window that ends after ``end`` draws."""
        return end - max((earlier for earlier in self.ends if earlier < end), default=0)

    @cached_property
    def longest(self) -> int:
        """Draws of the longest window."""
        return max(map(self.window, self.ends))
