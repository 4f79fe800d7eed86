"""Parameters, chains and calls as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

NAMED = 3  # parameters that a sentence names
COUNTED = 8  # chains that a sentence lists


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """The first few names and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def share(bad: np.ndarray) -> str:
    """``"3 of 8 parameters"``."""
    return f"{bad.sum()} of {len(bad)} parameters"


def chains_text(chains: Sequence[int]) -> str:
    """``"chain 2"``, ``"chains 1, 3"``, of chains counted from 1."""
    return f"chain{'s' if len(chains) > 1 else ''} {listed([str(c) for c in chains], COUNTED)}"


def numbers_text(values: Sequence[float] | np.ndarray, digits: int = 2) -> str:
    """The numbers, their range where they are many."""
    shown = values if len(values) <= COUNTED else (min(values), max(values))
    return (", " if len(values) <= COUNTED else " to ").join(f"{value:.{digits}f}" for value in shown)


def call_text(settings: Mapping[str, Any]) -> str:
    """``"fit.update(draws=4000)"``."""
    return f"fit.update({', '.join(f'{name}={value!r}' for name, value in settings.items())})"


def value_text(value: float) -> str:
    """Three significant digits."""
    return f"{value:.3g}"


def rounded_up(number: float) -> int:
    """To two significant digits: 8437 -> 8500."""
    unit = 10 ** max(int(np.floor(np.log10(max(number, 1)))) - 1, 0)
    return int(np.ceil(number / unit) * unit)
