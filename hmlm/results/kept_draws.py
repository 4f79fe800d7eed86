"""The named draws of a run that kept all or some of them: what can be had of them, and what they lack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from hmlm.density.draws import NamedDraws, redrawn_effects, samples_effects
from hmlm.density.log_density import LogDensity
from hmlm.density.row_blocks import RowBlock
from hmlm.infer.keep import Keep, what_to_keep
from hmlm.infer.named import parameters_of
from hmlm.infer.run import Run
from hmlm.infer.settings import Settings
from hmlm.results.effect_arrays import effect_arrays
from hmlm.results.likelihood import Likelihood
from hmlm.types import Design, HmlmError


class NotKeptError(HmlmError):
    """Draws that ``keep`` left out."""


@dataclass(frozen=True, eq=False)
class KeptDraws:
    """What a run kept.

    Attributes:
        density: what was sampled.
        design: the model's matrices.
        run: its draws.
        settings: of the run.
    """

    density: LogDensity
    design: Design
    run: Run
    settings: Settings

    @cached_property
    def keep(self) -> Keep:
        """What was to be kept."""
        return what_to_keep(self.density.spec, self.settings.keep)

    @cached_property
    def values(self) -> np.ndarray:
        """(P, C, S) parameters that are kept."""
        if self.run.values is not None:
            return self.run.values
        return parameters_of(self.density, self.run.draws.position)

    @property
    def parameters(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and (C, S) draws of each of them."""
        return ((self.density.names[i], self.values[k]) for k, i in enumerate(self.keep.parameters))

    def effects(self) -> Mapping[str, xr.DataArray]:
        """Group effects by name, those that are kept where ``keep`` named some.

        Raises:
            NotKeptError: they were sampled and not kept.
        """
        if self.run.effects:
            return effect_arrays(self.density.spec, self.run.effects, dict(enumerate(self.keep.columns)))
        return effect_arrays(self.density.spec, dict(enumerate(self._blocks())))

    def log_lik(self, group: str | None, samples: int) -> xr.DataArray:
        """As :func:`hmlm.results.likelihood.log_lik`."""
        return self._likelihood.log_lik(group, samples)

    def row_blocks(self, size: int, cdf: bool) -> Iterator[RowBlock]:
        """As :meth:`Likelihood.row_blocks`."""
        return self._likelihood.row_blocks(size, cdf)

    @property
    def _likelihood(self) -> Likelihood:
        self._check_all_parameters()
        draws = NamedDraws(np.moveaxis(self.values, 0, -1), self._blocks)
        return Likelihood(lambda: self.density, self.design, draws, self.settings.seed)

    def _blocks(self) -> tuple[np.ndarray, ...]:
        """Per block (C, S, J, Q) effects in the order of its terms."""
        spec, kept = self.density.spec, self.run.effects
        if self.keep.positions:
            return self.density.effects(self.run.draws.position, self.settings.seed)
        if list(self.keep.columns) == [tuple(range(b.size)) for b in spec.blocks]:
            return tuple(kept[b] for b in range(len(spec.blocks)))
        self._check_all_parameters()
        if samples_effects(self.density):
            raise not_kept("group effects", self.settings)
        return redrawn_effects(self.density, np.moveaxis(self.values, 0, -1), self.settings.seed)

    def _check_all_parameters(self) -> None:
        if len(self.keep.parameters) < len(self.density.names):
            raise not_kept("all parameters, which this takes,", self.settings)


def not_kept(what: str, settings: Settings) -> NotKeptError:
    """The error that ``what`` was not kept."""
    keep = settings.keep if isinstance(settings.keep, str) else list(settings.keep)
    return NotKeptError(
        f'{what} were not kept by keep={keep!r}: fit again with keep="all" (the default), or name them among '
        'those to keep, keep=["b_Intercept", "sigma", "r_id"]'
    )
