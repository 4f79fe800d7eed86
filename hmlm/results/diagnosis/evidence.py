"""What the checks look at, each part computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hmlm.infer.settings import MEADS, NUTS, Settings
from hmlm.results.convergence import Convergence
from hmlm.results.diagnosis.words import listed
from hmlm.results.info import Row
from hmlm.results.nested import MIN_DRAWS
from hmlm.results.table import labels

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

SHORT_WARMUP = 100


@dataclass(frozen=True, eq=False)
class Evidence:
    """A fit as the checks see it: P parameters of C chains of S draws."""

    fit: Fit

    @property
    def values(self) -> np.ndarray:
        """(P, C, S) draws."""
        return self.fit.values

    @property
    def n_chains(self) -> int:
        """C."""
        return self.fit.values.shape[1]

    @property
    def n_draws(self) -> int:
        """S, draws per chain."""
        return self.fit.values.shape[2]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The P parameters."""
        return self.fit.info.rows

    @cached_property
    def labels(self) -> list[str]:
        """Their names as printed."""
        return labels(self.rows)

    @property
    def convergence(self) -> Convergence:
        """Their R-hat and effective sample sizes."""
        return self.fit.convergence

    @property
    def nested(self) -> bool:
        """Whether R-hat is that of superchains."""
        return self.fit.info.superchains > 0

    @cached_property
    def settings(self) -> Settings:
        """Of the run; the usual ones where the file of the fit does not say."""
        if self.fit.statement is not None:
            return self.fit.statement.settings
        return Settings(max_tree_depth=self.fit.info.max_tree_depth)

    @property
    def longer_warmup(self) -> dict[str, int]:
        """Twice the warm-up, a usual one at least, as a setting."""
        return {"warmup": 2 * max(self.fit.info.warmup, SHORT_WARMUP)}

    @property
    def is_nuts(self) -> bool:
        """Whether each chain was tuned and its trajectories grew as NUTS does it."""
        return self.settings.sampler == NUTS

    @property
    def keeps_momentum(self) -> bool:
        """Whether momentum is drawn anew in part only, so that energies change little from draw to draw."""
        return self.settings.sampler == MEADS

    def statistic(self, name: str) -> np.ndarray | None:
        """(C, S) of the sampler; None where it has none: absent, or without any number."""
        if name not in self.fit.sample_stats:
            return None
        values = self.fit.sample_stats[name].transpose("chain", "draw").values
        known = np.isfinite(values) if name == "diverging" else np.isfinite(values) & (values != 0)
        return values if known.any() else None

    @cached_property
    def varies(self) -> np.ndarray:
        """(P,) whether a parameter's draws are all finite and not all the same."""
        finite = np.isfinite(self.values).all(axis=(1, 2))
        return finite & (self.values.min(axis=(1, 2)) != self.values.max(axis=(1, 2)))

    @cached_property
    def stuck(self) -> np.ndarray:
        """(P, C) parameters constant within a chain; one that a prior fixes to a value does not count."""
        if self.n_draws < MIN_DRAWS:
            return np.zeros(self.values.shape[:2], bool)
        low, high = self.values.min(axis=2), self.values.max(axis=2)
        fixed = low.min(axis=1) == high.max(axis=1)
        return (low == high) & ~(fixed & ~fixed.all())[:, None]

    def ranked(self, bad: np.ndarray, order: np.ndarray) -> list[int]:
        """Positions of the bad parameters, smallest ``order`` first."""
        return sorted(np.flatnonzero(bad).tolist(), key=lambda i: order[i])

    def named(self, positions: Sequence[int], texts: Sequence[str]) -> str:
        """``"day (1.2), x (1.1) and 2 more"``; ``texts`` are of all P parameters."""
        return listed([f"{self.labels[i]} ({texts[i]})" for i in positions])

    def variables(self, positions: Sequence[int]) -> tuple[str, ...]:
        """Draws' names."""
        return tuple(self.rows[i].variable for i in positions)
