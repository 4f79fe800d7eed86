"""The draws that predictions are made from: all of a fit, or some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from hmlm.spec.names import effects_name
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError


@dataclass(frozen=True)
class Draws:
    """S draws, chain after chain.

    Attributes:
        spec: the model.
        posterior: parameters, dims (chain, draw).
        effects: group effects by name, dims (chain, draw, factor, term).
        positions: (S,) which of all draws these are.
    """

    spec: Spec
    posterior: xr.Dataset
    effects: Mapping[str, xr.DataArray]
    positions: np.ndarray

    @property
    def size(self) -> int:
        """S."""
        return len(self.positions)

    def __getitem__(self, name: str) -> np.ndarray:
        """(S,) draws of a parameter."""
        return self.posterior[name].values.reshape(-1)[self.positions]

    def effect(self, b: int, q: int) -> np.ndarray:
        """(J, S) effects of one term of a block."""
        block = self.spec.blocks[b]
        term = block.terms[q]
        array = self.effects[effects_name(self.spec, block.factor, term.predictor)].sel(term=term.coefficient)
        flat = array.values.reshape(-1, array.shape[-1])
        return np.ascontiguousarray(flat[self.positions].T)

    def correlation(self, pairs: Sequence[tuple[str, int, int]], size: int) -> np.ndarray:
        """(S, size, size) correlation matrices of parameters with their two positions, 0 for other pairs."""
        matrix = np.tile(np.eye(size), (self.size, 1, 1))
        for name, i, j in pairs:
            matrix[:, i, j] = matrix[:, j, i] = self[name]
        return matrix

    def coordinates(self) -> dict[str, np.ndarray]:
        """Chain and draw of each."""
        chains, draws = self.posterior["chain"].values, self.posterior["draw"].values
        return {
            "chain": np.repeat(chains, len(draws))[self.positions],
            "draw": np.tile(draws, len(chains))[self.positions],
        }


def some_positions(n: int, ndraws: int | None, seed: int) -> np.ndarray:
    """``ndraws`` of ``n`` positions at random, in order; all for None.

    Raises:
        HmlmError: fewer than one, or more than there are.
    """
    if ndraws is None:
        return np.arange(n)
    if not 1 <= ndraws <= n:
        raise HmlmError(f"ndraws={ndraws}: the fit has {n} draws; choose from 1 to {n}, or None for all")
    return np.sort(np.random.default_rng(seed).choice(n, size=ndraws, replace=False))
