"""How many draws to make between two looks from the host."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS = 0.25  # between two looks: a person waits no longer for Ctrl-C, a look costs a hundredth of it
FIRST = 25


@dataclass(frozen=True)
class Pace:
    """The number ``n`` for the next call.

    Attributes:
        fixed: that number, None to choose it by the time that draws take.
        most: what a call has room for.
        chosen: the number by time so far.
    """

    fixed: int | None
    most: int
    chosen: int = FIRST

    @property
    def n(self) -> int:
        """Draws of the next call."""
        return min(self.fixed or self.chosen, self.most)

    def after(self, n: int, seconds: float) -> Pace:
        """The pace once ``n`` draws took ``seconds``: at most four times more or fewer than before."""
        wanted = n * SECONDS / max(seconds, 1e-6)
        return Pace(self.fixed, self.most, int(min(max(wanted, n / 4, 1), 4 * n)))
