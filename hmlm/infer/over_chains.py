"""A function of one chain as one of a group of chains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

Tree = Any


def over_chains(function: Callable, n_batched: int, *arguments: Tree) -> Tree:
    """``function(*arguments)`` for each chain along the leading axis of the first ``n_batched`` arguments.

    One chain is not vmapped, which would make it compute both sides of every branch.
    """
    batched, shared = arguments[:n_batched], arguments[n_batched:]
    if len(jax.tree.leaves(batched)[0]) > 1:
        return jax.vmap(function, in_axes=(*(0,) * n_batched, *(None,) * len(shared)))(*arguments)
    out = function(*jax.tree.map(lambda leaf: leaf[0], batched), *shared)
    return jax.tree.map(lambda leaf: leaf[None], out)
