"""Where a parameter may lie."""

from __future__ import annotations

import enum
import math


class Support(enum.Enum):
    """The values a parameter can have, each with the link that maps them to the real line."""

    REAL = "identity"
    POSITIVE = "log"
    UNIT = "logit"
    ABOVE_ONE = "logm1"
    ORDERED = "ordered"  # above the one before it
    CORRELATION = "fisher_z"

    @property
    def link(self) -> str:
        """The link under which any real number is allowed."""
        return "identity" if self is Support.ORDERED else self.value

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound, infinite for none."""
        inf = math.inf
        return {
            "identity": (-inf, inf),
            "log": (0.0, inf),
            "logit": (0.0, 1.0),
            "logm1": (1.0, inf),
            "fisher_z": (-1.0, 1.0),
        }[self.link]

    @property
    def bounds(self) -> tuple[str, str]:
        """Lower and upper bound as brms's table of priors shows them, empty for none."""
        low, high = (f"{bound:g}" if math.isfinite(bound) else "" for bound in self.interval)
        return low, high
