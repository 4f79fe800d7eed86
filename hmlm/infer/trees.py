"""What chains of a device share has a leading axis of length 1 in states; and states where groups meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import numpy as np

Tree = Any
T = TypeVar("T")


def as_one(tree: T) -> T:
    """What is shared, as a state holds it: leaves (1, ...)."""
    return jax.tree.map(lambda leaf: leaf[None], tree)


def of_one(tree: T) -> T:
    """What is shared, out of a state; of several devices', the first's."""
    return jax.tree.map(lambda leaf: leaf[0], tree)


def for_each(tree: T, n: int) -> T:
    """What is shared, for each of ``n`` devices: leaves (n, ...) on the host."""
    return jax.tree.map(lambda leaf: np.tile(np.asarray(leaf), (n, *(1,) * np.ndim(leaf))), tree)


def stacked(groups: Sequence[T]) -> T:
    """Leaves of all groups, joined along the leading axis."""
    return jax.tree.map(lambda *leaves: np.concatenate([np.asarray(leaf) for leaf in leaves]), *groups)


def as_before(old: T, new: T) -> T:
    """A new state on the host, in the types of the old one."""
    return jax.tree.map(lambda old, new: np.asarray(new, old.dtype), old, new)
