"""States of groups on the host, where groups meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import numpy as np

Tree = Any
T = TypeVar("T")


def stacked(groups: Sequence[T]) -> T:
    """Leaves of all groups, joined along the leading axis."""
    return jax.tree.map(lambda *leaves: np.concatenate([np.asarray(leaf) for leaf in leaves]), *groups)


def as_before(old: T, new: T) -> T:
    """A new state on the host, in the types of the old one."""
    return jax.tree.map(lambda old, new: np.asarray(new, old.dtype), old, new)
