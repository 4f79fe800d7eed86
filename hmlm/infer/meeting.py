"""Between calls: groups of chains come together on the host, and their states go back to their devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import numpy as np

Tree = Any
T = TypeVar("T")


def stacked(groups: Sequence[T]) -> T:
    """Leaves of all groups on the host, joined along the leading axis."""
    return jax.tree.map(lambda *leaves: np.concatenate([np.asarray(leaf) for leaf in leaves]), *groups)


def in_place_of(old: T, new: T) -> T:
    """A new state where the old one is, in the same types."""
    return jax.tree.map(lambda old, new: jax.device_put(np.asarray(new, old.dtype), old.sharding), old, new)
