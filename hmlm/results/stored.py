"""The model and group effects of draws that were read from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from hmlm.density.backend import Backend
from hmlm.density.build import make_log_density
from hmlm.density.constrained import constrained_names
from hmlm.density.draws import NamedDraws, redrawn_effects, samples_effects
from hmlm.density.log_density import LogDensity
from hmlm.density.pilot import fit_pilot
from hmlm.density.plan import make_plan
from hmlm.density.row_blocks import RowBlock
from hmlm.infer.approximate.approximation import MAP
from hmlm.results.effect_arrays import effect_arrays
from hmlm.results.kept_draws import not_kept
from hmlm.results.likelihood import Likelihood
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
    def likelihood(self) -> Likelihood:
        """Of the stored draws."""
        draws = NamedDraws(self._values, self._blocks)
        return Likelihood(lambda: self.density, self.design, draws, self._seed)

    def log_lik(self, group: str | None, samples: int) -> xr.DataArray:
        """As :meth:`Likelihood.log_lik`."""
        return self.likelihood.log_lik(group, samples)

    def row_blocks(self, size: int, cdf: bool) -> Iterator[RowBlock]:
        """As :meth:`Likelihood.row_blocks`."""
        return self.likelihood.row_blocks(size, cdf)

    def drawn_effects(self) -> Effects:
        """Effects that were integrated out, drawn again by the seed of the run; of a mode their means.

        Raises:
            HmlmError: some were sampled, so that they cannot be had from the parameters.
        """
        if samples_effects(self.density):
            raise HmlmError(
                "the file was saved without group effects, and those on sigma or of families other than the "
                "gaussian cannot be drawn again from the parameters: fit.save(path) keeps them"
            )
        seed = None if self.statement.settings.algorithm == MAP else self._seed
        return effect_arrays(self.spec, redrawn_effects(self.density, self._values, seed))

    @property
    def _seed(self) -> int:
        return self.statement.settings.seed

    @cached_property
    def _values(self) -> np.ndarray:
        """(C, S, P) parameters.

        Raises:
            NotKeptError: the run did not keep all of them.
        """
        missing = [name for name in constrained_names(self.spec) if name not in self.posterior]
        if missing:
            raise not_kept(f"draws of {missing[0]}", self.statement.settings)
        return np.stack([self.posterior[name].values for name in constrained_names(self.spec)], axis=-1)

    def _blocks(self) -> tuple[np.ndarray, ...]:
        """Per block (C, S, J, Q) effects in the order of its terms."""
        effects = self.drawn_effects() if self.saved is None else self.saved()
        return tuple(
            np.stack(
                [
                    effects[effects_name(self.spec, block.factor, term.predictor)]
                    .sel(term=term.coefficient)
                    .values
                    for term in block.terms
                ],
                axis=-1,
            )
            for block in self.spec.blocks
        )
