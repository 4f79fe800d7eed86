"""A moment of a run as arrays and facts that a part can hold, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from hmlm.density.precision import double_precision
from hmlm.infer.checkpoint.parts import DamagedError
from hmlm.infer.sink import FACTS, Moment

Arrays = Mapping[str, np.ndarray]

CARRIED = "carried/"
OTHER = (
    "the states are those of another program, or laid out for other devices: go on where the run was begun"
)


def packed(moment: Moment) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays of all states and what else there is to know."""
    arrays = {
        f"state/{g}/{i}": np.asarray(leaf)
        for g, state in enumerate(moment.states)
        for i, leaf in enumerate(jax.tree.leaves(state))
    }
    arrays |= {f"{CARRIED}{name}": values for name, values in moment.carried.items()}
    return arrays, moment.facts()


def unpacked(arrays: Arrays, facts: Mapping[str, Any], like: list[Any]) -> Moment:
    """The moment of a part; ``like`` has states of the same structure where they belong.

    Raises:
        DamagedError: states of another structure, from another program.
    """
    states = [_state(arrays, g, state) for g, state in enumerate(like)]
    if sum(name.startswith("state/") for name in arrays) != len(jax.tree.leaves(like)):
        raise DamagedError(OTHER)
    carried = {name.removeprefix(CARRIED): arrays[name] for name in arrays if name.startswith(CARRIED)}
    return Moment(states, **{name: facts[name] for name in (*FACTS, "seconds")}, carried=carried)


def _state(arrays: Arrays, group: int, like: Any) -> Any:
    leaves, structure = jax.tree.flatten(like)
    with double_precision():
        placed = [_placed(arrays.get(f"state/{group}/{i}"), leaf) for i, leaf in enumerate(leaves)]
    return jax.tree.unflatten(structure, placed)


def _placed(stored: np.ndarray | None, like: Any) -> Any:
    if stored is None or (stored.shape, stored.dtype) != (like.shape, like.dtype):
        raise DamagedError(OTHER)
    return jax.device_put(stored, like.sharding) if isinstance(like, jax.Array) else stored
