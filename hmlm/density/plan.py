"""Which treatment each block of group effects gets, and how to say so."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from hmlm.density.coordinates import Coordinates
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError

CHOICES = ("auto", *(kind.value for kind in Coordinates))

REASONS = {
    Coordinates.NONCENTERED: "standard normal coordinates: good where a level has few rows",
    Coordinates.CENTERED: "hierarchically centred coordinates: good where every level has many rows",
    Coordinates.INFORMED: "coordinates built from each level's information: good for few and many rows",
}


def make_plan(spec: Spec, density: str | Mapping[str, str]) -> tuple[Coordinates, ...]:
    """Coordinates of every block.

    Args:
        spec: the model.
        density: one of :data:`CHOICES` for all blocks, or a mapping from block names to them.

    Raises:
        HmlmError: an unknown choice or block.
    """
    names = [block.name for block in spec.blocks]
    wanted = density if isinstance(density, Mapping) else dict.fromkeys(names, density)
    _check(wanted if isinstance(density, Mapping) else {"": density}, names)
    return tuple(_choose(wanted.get(name, "auto")) for name in names)


def explain_plan(spec: Spec, plan: tuple[Coordinates, ...]) -> tuple[str, ...]:
    """One line per block."""
    lines = []
    for block, kind in zip(spec.blocks, plan, strict=True):
        levels = spec.factors[block.factor].n_levels
        size = f"{block.size} coefficient{'s' * (block.size > 1)} x {levels} levels"
        lines.append(f"{block.name}: {size} sampled, {kind.value} ({REASONS[kind]})")
    return tuple(lines)


def _choose(text: str) -> Coordinates:
    return Coordinates.INFORMED if text == "auto" else Coordinates(text)


def _check(wanted: Mapping[str, str], names: list[str]) -> None:
    for name, choice in wanted.items():
        if name and name not in names:
            raise HmlmError(f"density: no block {name!r}; the model has {', '.join(names) or 'none'}")
        if choice not in CHOICES:
            near = get_close_matches(str(choice), CHOICES, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise HmlmError(f"density={choice!r} is unknown; choose one of {', '.join(CHOICES)}{hint}")
