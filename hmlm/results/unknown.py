"""Errors about names that a fit does not have: the nearest one, or those there are."""

from __future__ import annotations

from collections.abc import Sequence

from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError

FEW = 10  # names that a message lists


def check_factor(name: str, known: Sequence[str], where: str = "") -> None:
    """Refuse a grouping factor that the model does not have.

    Args:
        name: as the user wrote it.
        known: the model's factors.
        where: what the message begins with: ``"re_formula: "``.

    Raises:
        HmlmError: it is none of them.
    """
    if name not in known:
        hint = did_you_mean(name, known) or f"; the model has {', '.join(known) or 'none'}"
        raise HmlmError(f"{where}no grouping factor '{name}'{hint}")


def unknown(what: str, name: str, known: Sequence[str]) -> HmlmError:
    """The error that says ``what`` is wrong with ``name``, ``"no variable 'b_dya'"``, and what there is."""
    few = ", ".join(known[:FEW]) + (", …" if len(known) > FEW else "")
    return HmlmError(what + (did_you_mean(name, known) or f"; there are {few or 'none'}"))
