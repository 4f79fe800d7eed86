"""What of the draws is kept: positions, from which everything can be had, or some of what they mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hmlm.density.constrained import constrained_names
from hmlm.infer.settings import ALL, POPULATION, Settings
from hmlm.spec.hint import did_you_mean
from hmlm.spec.names import effects_name
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError

FEW = 10  # names that a message lists
STATISTICS_BYTES = 64  # of a draw, more than all of them take


@dataclass(frozen=True)
class Keep:
    """What is kept of a model's draws.

    Attributes:
        positions: whether the sampler's coordinates are.
        parameters: places among the names of the density, in their order.
        columns: per block the places of its terms.
    """

    positions: bool
    parameters: tuple[int, ...]
    columns: tuple[tuple[int, ...], ...]

    @property
    def effects(self) -> bool:
        """Whether some group effects are kept themselves."""
        return any(self.columns)

    def numbers(self, spec: Spec, size: int) -> int:
        """How many numbers a draw of ``size`` coordinates comes to, the parameters always among them."""
        levels = (spec.factors[block.factor].n_levels for block in spec.blocks)
        effects = sum(len(columns) * n for columns, n in zip(self.columns, levels, strict=True))
        return size * self.positions + len(self.parameters) + effects

    def bytes_of(self, spec: Spec, size: int, settings: Settings) -> int:
        """What all draws of a run take."""
        return settings.chains * settings.n_kept * (8 * self.numbers(spec, size) + STATISTICS_BYTES)


def what_to_keep(spec: Spec, keep: str | tuple[str, ...]) -> Keep:
    """The meaning of ``keep`` for a model.

    Raises:
        HmlmError: a name that none of the draws has; the message has the nearest one.
    """
    names = constrained_names(spec)
    nothing = ((),) * len(spec.blocks)
    if keep in (ALL, POPULATION):
        return Keep(keep == ALL, tuple(range(len(names))), nothing)
    effects = dict.fromkeys(name for _, _, name in _terms(spec))
    _check_names(keep, [*names, *effects])
    parameters = tuple(i for i, name in enumerate(names) if name in keep)
    chosen = [(b, q) for b, q, name in _terms(spec) if name in keep]
    return Keep(False, parameters, tuple(tuple(q for b, q in chosen if b == i) for i in range(len(nothing))))


def _terms(spec: Spec) -> Iterator[tuple[int, int, str]]:
    """(block, place, name of its draws) of every term of group effects."""
    for b, block in enumerate(spec.blocks):
        for q, term in enumerate(block.terms):
            yield b, q, effects_name(spec, block.factor, term.predictor)


def _check_names(keep: tuple[str, ...], known: list[str]) -> None:
    for name in keep:
        if name not in known:
            few = ", ".join(known[:FEW]) + (", …" if len(known) > FEW else "")
            hint = did_you_mean(name, [*known, ALL, POPULATION]) or f"; the draws are {few}"
            raise HmlmError(f"keep={list(keep)!r}: no draws are called {name!r}{hint}")
