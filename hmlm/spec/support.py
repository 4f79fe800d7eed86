"""Where a parameter may lie."""

from __future__ import annotations

import enum


class Support(enum.Enum):
    """The values a parameter can have, each with the link that maps them to the real line."""

    REAL = "identity"
    POSITIVE = "log"
    UNIT = "logit"
    ABOVE_ONE = "logm1"
    CORRELATION = "fisher_z"

    @property
    def link(self) -> str:
        """The link under which any real number is allowed."""
        return self.value

    @property
    def bounds(self) -> tuple[str, str]:
        """Lower and upper bound as brms's table of priors shows them, empty for none."""
        return {
            "identity": ("", ""),
            "log": ("0", ""),
            "logit": ("0", "1"),
            "logm1": ("1", ""),
            "fisher_z": ("-1", "1"),
        }[self.value]
