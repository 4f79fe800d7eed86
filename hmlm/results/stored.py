"""The log likelihood and group effects of draws that were read from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from hmlm.density.backend import Backend
from hmlm.density.build import make_log_density
from hmlm.density.log_density import LogDensity
from hmlm.density.pilot import fit_pilot
from hmlm.density.plan import make_plan
from hmlm.density.row_blocks import RowBlock
from hmlm.density.stored import (
    samples_effects,
    stored_effects,
    stored_group_log_likelihood,
    stored_row_log_likelihood,
)
from hmlm.results.assemble import effect_arrays, log_lik_array
from hmlm.results.statement import Statement
from hmlm.spec.names import effects_name
from hmlm.spec.spec import Spec
from hmlm.types import Design, HmlmError

Effects = Mapping[str, xr.DataArray]


@dataclass(frozen=True, eq=False)
class Stored:
    """Stored draws and their model.

    Attributes:
        spec, design, statement: the model.
        posterior: the parameters.
        saved: gives the group effects of the file; None where it was saved without.
    """

    spec: Spec
    design: Design
    statement: Statement
    posterior: xr.Dataset
    saved: Callable[[], Effects] | None

    @cached_property
    def density(self) -> LogDensity:
        """The density that was sampled; its coordinates may differ, and nothing here depends on them."""
        pilot = fit_pilot(self.spec, self.design)
        plan = make_plan(self.spec, self.statement.density)
        return make_log_density(self.spec, self.design, pilot, plan, Backend.XLA)

    @cached_property
    def values(self) -> np.ndarray:
        """(C, S, P) parameters."""
        return np.stack([self.posterior[name].values for name in self.density.names], axis=-1)

    def log_lik(self, group: str | None, samples: int) -> xr.DataArray:
        """As :meth:`Fit.log_lik`."""
        seed = self.statement.settings.seed
        if group is None:
            values = stored_row_log_likelihood(self.density, self.values, self._blocks())
        else:
            arguments = (self.density, self.design, group, self.values, self._blocks)
            values = stored_group_log_likelihood(*arguments, seed, samples)
        return log_lik_array(values, self.design, group)

    def row_blocks(self, size: int, cdf: bool) -> Iterator[RowBlock]:
        """As ``Fit.row_blocks_fn``; all rows are computed at once.

        Raises:
            HmlmError: probabilities are wanted.
        """
        if cdf:
            raise HmlmError("loo_pit needs the fit that m.fit(...) returned, not one read from a file")
        values = self.log_lik(None, 1).values
        by_row = values.reshape(-1, values.shape[-1]).T
        for start in range(0, len(by_row), size):
            rows = slice(start, min(start + size, len(by_row)))
            yield RowBlock(rows, by_row[rows], None)

    def drawn_effects(self) -> Effects:
        """Effects that were integrated out, drawn again by the seed of the run.

        Raises:
            HmlmError: some were sampled, so that they cannot be had from the parameters.
        """
        if samples_effects(self.density):
            raise HmlmError(
                "the file was saved without group effects, and those on sigma or of families other than the "
                "gaussian cannot be drawn again from the parameters: fit.save(path) keeps them"
            )
        drawn = stored_effects(self.density, self.values, self.statement.settings.seed)
        return effect_arrays(self.spec, drawn)

    def _blocks(self) -> tuple[np.ndarray, ...]:
        """Per block (C, S, J, Q) effects in the order of its terms."""
        effects = self.drawn_effects() if self.saved is None else self.saved()
        return tuple(
            np.stack(
                [
                    effects[effects_name(self.spec, block.factor, term.predictor)].sel(term=term.name).values
                    for term in block.terms
                ],
                axis=-1,
            )
            for block in self.spec.blocks
        )
