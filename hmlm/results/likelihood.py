"""The log likelihood of a fit's draws: by row, by group, and rows a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from hmlm.density.draws import NamedDraws
from hmlm.density.groupwise import group_log_likelihood
from hmlm.density.log_density import LogDensity
from hmlm.density.pointwise import row_log_likelihood
from hmlm.density.row_blocks import RowBlock, row_blocks
from hmlm.types import Design


@dataclass(frozen=True, eq=False)
class Likelihood:
    """A model and draws of it, just sampled or read from a file.

    Attributes:
        density_fn: gives the model's density, which a loaded fit makes only when it is needed.
        design: the model's matrices.
        draws: chains and draws, with their group effects.
        seed: of the run.
    """

    density_fn: Callable[[], LogDensity]
    design: Design
    draws: NamedDraws
    seed: int

    def log_lik(self, group: str | None, samples: int) -> xr.DataArray:
        """As :meth:`hmlm.Fit.log_lik`."""
        density = self.density_fn()
        if group is None:
            return self._labelled(row_log_likelihood(density, self.draws), "row", self.design.rows)
        values = group_log_likelihood(density, self.design, group, self.draws, self.seed, samples)
        levels = next(factor.levels for factor in self.design.factors if factor.name == group)
        return self._labelled(values, group, list(levels))

    def row_blocks(self, size: int, cdf: bool) -> Iterator[RowBlock]:
        """All rows, ``size`` at a time, with probabilities below the observed outcomes if asked for."""
        return row_blocks(self.density_fn(), self.design, self.draws, size, cdf)

    def _labelled(self, values: np.ndarray, dim: str, labels: object) -> xr.DataArray:
        n_chains, n_draws = self.draws.shape
        coords = {"chain": np.arange(n_chains), "draw": np.arange(n_draws), dim: labels}
        return xr.DataArray(values, coords, ("chain", "draw", dim), name="log_lik")
