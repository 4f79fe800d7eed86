"""From the draws of a call to what is kept of them: thinned, under the names of the arrays that hold them.

Arrays have the axes chains, draws and the rest, ``"values"`` the parameters before these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hmlm.density.log_density import LogDensity
from hmlm.density.pad import Padded
from hmlm.infer.draws import Draws
from hmlm.infer.keep import Keep, what_to_keep
from hmlm.infer.named import effect_keys, effects_of, parameters_of
from hmlm.infer.settings import Settings

Arrays = Mapping[str, np.ndarray]

POSITION, VALUES, EFFECTS, LONGEST = "position", "values", "effects_", "longest"
SUMS = {"n_steps": np.add, "diverging": np.logical_or, LONGEST: np.maximum}  # over draws that thinning joins


@dataclass(frozen=True, eq=False)
class Recorder:
    """Makes records of draws after warm-up.

    Attributes:
        density: the model.
        keep: what is kept.
        settings: of the run.
        own: which of the run's chains are on this host.
        values: whether parameters are computed at once although positions are kept.
        padded: the density over round sizes, if that is what is sampled.
    """

    density: LogDensity
    keep: Keep
    settings: Settings
    own: slice
    values: bool
    padded: Padded | None = None

    def record(self, draws: Draws, first: int, carried: Arrays) -> tuple[dict[str, np.ndarray], Arrays]:
        """What is kept of the (C, n) draws from number ``first`` on, {} of none; what the next has to add.

        Args:
            draws: of a call.
            first: how many draws after warm-up came before.
            carried: sums since the last draw kept, (C,); {} at the beginning.
        """
        statistics = draws._asdict()
        position = statistics.pop(POSITION)
        places = _kept(first, len(position[0]), self.settings.thin)
        if self.settings.thin > 1:
            statistics, carried = _thinned(statistics, places, carried)
            position = position[:, places]
        kept = {**self._of(position, first // self.settings.thin), **statistics} if places.size else {}
        return kept, carried

    def _of(self, position: np.ndarray, first: int) -> dict[str, np.ndarray]:
        """Of (C, n, D) draws that are kept."""
        sampled = position
        position = position if self.padded is None else position[..., self.padded.coordinates]
        kept = {POSITION: position} if self.keep.positions else {}
        if self.values or not self.keep.positions:
            of = self.density if self.padded is None else self.padded.density
            kept[VALUES] = parameters_of(of, sampled, first)[list(self.keep.parameters)]
        if self.keep.effects:
            blocks = effects_of(self.density, position, self._keys, first)
            chosen = zip(blocks, self.keep.columns, strict=True)
            kept |= {f"{EFFECTS}{b}": u[..., list(q)] for b, (u, q) in enumerate(chosen) if q}
        return kept

    @cached_property
    def _keys(self) -> np.ndarray:
        return effect_keys(self.settings.seed, self.settings.chains, self.settings.n_kept)[self.own]


def make_recorder(
    density: LogDensity, settings: Settings, own: slice, *, values: bool, padded: Padded | None = None
) -> Recorder:
    """The recorder of a run, for its ``own`` chains; arguments as the attributes of :class:`Recorder`.

    Raises:
        HmlmError: ``settings.keep`` has a name that none of the draws has.
    """
    return Recorder(density, what_to_keep(density.spec, settings.keep), settings, own, values, padded)


def _kept(first: int, n: int, thin: int) -> np.ndarray:
    """Places of the draws kept among ``n``: the last of every ``thin``."""
    return np.flatnonzero((first + 1 + np.arange(n)) % thin == 0)


def _thinned(statistics: Arrays, places: np.ndarray, carried: Arrays) -> tuple[dict[str, np.ndarray], Arrays]:
    """Statistics of draws at ``places``, sums over all since the one before; the sums left over."""
    statistics = {**statistics, LONGEST: statistics["n_steps"]}
    kept = {name: values[:, places] for name, values in statistics.items()}
    left = {}
    for name, operation in SUMS.items():
        values = statistics[name]
        before = carried.get(name, np.zeros(len(values), values.dtype))
        kept[name], left[name] = _summed(operation, before, values, places)
    return kept, left


def _summed(
    operation: np.ufunc, before: np.ndarray, values: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(C, len(places)) sums of ``before`` and (C, n) values up to each place, and (C,) of the rest."""
    padded = np.concatenate([before[:, None], values, np.zeros_like(before)[:, None]], axis=1)
    sums = operation.reduceat(padded, [0, *(places + 2)], axis=1).astype(values.dtype)
    return sums[:, :-1], sums[:, -1]
