"""``fit.log_lik()``: the log likelihood of a fit's draws by row, by group, and of rows a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from hmlm.density.draws import NamedDraws
from hmlm.density.groupwise import group_log_likelihood
from hmlm.density.log_density import LogDensity
from hmlm.density.pointwise import row_log_likelihood
from hmlm.density.row_blocks import RowBlock, row_blocks
from hmlm.results.unknown import check_factor
from hmlm.types import Design, HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


def log_lik(fit: Fit, group: str | None = None, samples: int = 50) -> xr.DataArray:
    """Pointwise log likelihood: of every row given its group effects, or of every group without them.

    Args:
        group: None for rows, dims ``(chain, draw, row)``; a grouping factor for the likelihood
            of each of its levels with the effects integrated out, dims ``(chain, draw, <group>)``: what
            leave-one-group-out needs. Effects of factors nested in it are integrated out too, those
            of crossed and coarser factors are the draw's own.
        samples: importance samples per draw where effects on a scale are integrated out; effects on
            a Gaussian mean are integrated out exactly.

    Raises:
        HmlmError: an unknown factor, one that holds factors side by side, or a file without the model.
    """
    if fit.log_lik_fn is None:
        raise HmlmError("log_lik needs the data, which this file does not hold: fit the model again")
    if group is not None:
        check_factor(group, [name for name, _ in fit.info.factors])
    if samples < 1:
        raise HmlmError(f"samples = {samples}: at least one importance sample is needed")
    return fit.log_lik_fn(group, samples)


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
        """As :func:`log_lik`."""
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
