"""Parameters and group effects of draws as they come, the same whichever draws come together.

Each program computes blocks of draws of one shape in which a draw's number says its place. So nothing
compiles again for another number of draws, and a draw's values do not depend on where calls ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import jax
import numpy as np

from hmlm.density.log_density import LogDensity

AT_A_TIME = 2048  # draws of parameters, of all chains
EFFECTS_AT_A_TIME = 32  # each may have to touch all rows

Arrays = tuple[np.ndarray, ...]


def parameters_of(density: LogDensity, position: np.ndarray, first: int = 0) -> np.ndarray:
    """(P, C, n) parameters of (C, n, D) draws, those of each chain from number ``first`` on."""
    out = np.empty((len(density.names), *position.shape[:2]))
    blocks = _blocks(position, first, AT_A_TIME, density.initial, lambda x, _: (density.values(x),))
    for here, (values,) in blocks:
        out[:, :, here] = np.moveaxis(values, -1, 0)
    return out


def effects_of(density: LogDensity, position: np.ndarray, keys: np.ndarray, first: int = 0) -> Arrays:
    """Per block (C, n, J, Q) group effects of (C, n, D) draws, those of each chain from number ``first`` on.

    Args:
        density: the model.
        position: the draws.
        keys: (C, S, 2) of :func:`effect_keys`.
        first: number of the first of them.
    """

    def compute(x: np.ndarray, begin: int) -> Arrays:
        numbers = np.minimum(np.arange(begin, begin + x.shape[1]), keys.shape[1] - 1)
        return density.effects_by(x, keys[:, numbers])

    found = [u for _, u in _blocks(position, first, EFFECTS_AT_A_TIME, density.initial, compute)]
    return tuple(np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))


def effect_keys(seed: int, n_chains: int, n_draws: int) -> np.ndarray:
    """(C, S, 2) keys by which :meth:`LogDensity.effects` draws the effects of a run."""
    keys = jax.random.split(jax.random.key(seed), n_chains * n_draws)
    return np.asarray(jax.random.key_data(keys)).reshape(n_chains, n_draws, -1)


def _blocks(
    position: np.ndarray,
    first: int,
    at_a_time: int,
    filling: np.ndarray,
    compute: Callable[[np.ndarray, int], Arrays],
) -> Iterator[tuple[slice, Arrays]]:
    """Places in ``position`` and what is computed of them, from (C, B, D) blocks and their first number."""
    n_chains, n, size = position.shape
    length = max(1, at_a_time // n_chains)
    for begin in range(first - first % length, first + n, length):
        low, high = max(begin, first), min(begin + length, first + n)
        block = np.broadcast_to(filling, (n_chains, length, size)).copy()
        block[:, low - begin : high - begin] = position[:, low - first : high - first]
        made = compute(block, begin)
        yield slice(low - first, high - first), tuple(part[:, low - begin : high - begin] for part in made)
