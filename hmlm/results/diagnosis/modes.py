"""Chains that stay in different places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TAILS = (0.05, 0.95)


@dataclass(frozen=True)
class Apart:
    """The fewer chains whose draws hardly meet those of the others, in one parameter.

    Attributes:
        position: of the parameter, the one of those looked at in which chains are farthest apart.
        chains: the fewer chains, from 0.
        there, elsewhere: median of their draws, and of the others'.
    """

    position: int
    chains: tuple[int, ...]
    there: float
    elsewhere: float


def apart(values: np.ndarray) -> Apart | None:
    """Where chains stay on two sides of a gap: 90 % of the draws of each chain on one side.

    Args:
        values: (P, C, S) draws.
    """
    if values.shape[1] < 2 or not values.size:
        return None
    low, high = np.quantile(values, TAILS, axis=2)
    order = np.argsort((low + high) / 2, axis=1)
    reached = np.maximum.accumulate(np.take_along_axis(high, order, 1), axis=1)[:, :-1]
    begins = np.minimum.accumulate(np.take_along_axis(low, order, 1)[:, ::-1], axis=1)[:, ::-1][:, 1:]
    gaps = (begins - reached) / np.median(high - low, axis=1, keepdims=True).clip(1e-300)
    position, cut = np.unravel_index(np.nanargmax(gaps), gaps.shape)
    if not gaps[position, cut] > 0:
        return None
    below, above = order[position, : cut + 1], order[position, cut + 1 :]
    fewer, others = (below, above) if len(below) < len(above) else (above, below)
    draws = values[position]
    chains = tuple(sorted(fewer.tolist()))
    return Apart(int(position), chains, float(np.median(draws[fewer])), float(np.median(draws[others])))
