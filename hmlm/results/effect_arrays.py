"""Group effects under the names that users read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from hmlm.spec.names import effects_name
from hmlm.spec.spec import Block, FactorSpec, Spec


def effect_arrays(
    spec: Spec,
    blocks: Mapping[int, np.ndarray] | Sequence[np.ndarray],
    columns: Mapping[int, tuple[int, ...]] | None = None,
) -> dict[str, xr.DataArray]:
    """Draws of group effects by name, dims (chain, draw, <factor>, term).

    Where a by-variable has a block for each of its levels, a level of the factor has the effects of its own.

    Args:
        spec: the model.
        blocks: per block (C, S, J, Q) in the order of its terms, or some blocks by their number.
        columns: by number of the block the places of the terms that it holds; None for all of them.
    """
    parts: dict[str, dict[str, np.ndarray]] = {}
    factors: dict[str, FactorSpec] = {}
    for b, values in blocks.items() if isinstance(blocks, Mapping) else enumerate(blocks):
        block = spec.blocks[b]
        held = tuple(range(block.size)) if columns is None else columns[b]
        for q in (q for q in block.order if q in held):
            term = block.terms[q]
            name = effects_name(spec, block.factor, term.predictor)
            factors[name] = spec.factors[block.factor]
            known = parts.setdefault(name, {}).get(term.coefficient)
            parts[name][term.coefficient] = _own(block, known, values[..., held.index(q)])
    return {name: _effect_array(factors[name], terms) for name, terms in parts.items()}


def _own(block: Block, known: np.ndarray | None, values: np.ndarray) -> np.ndarray:
    """(C, S, J) effects with those of the levels that a block describes filled in."""
    if block.members is None or known is None:
        return values
    return np.where(np.isin(np.arange(values.shape[-1]), block.members), values, known)


def _effect_array(factor: FactorSpec, terms: Mapping[str, np.ndarray]) -> xr.DataArray:
    array = xr.DataArray(
        np.stack(list(terms.values()), axis=-1),
        dims=("chain", "draw", factor.name, "term"),
        coords={factor.name: list(factor.levels), "term": list(terms)},
    )
    return _numbered(array)


def _numbered(array: xr.DataArray) -> xr.DataArray:
    return array.assign_coords(chain=np.arange(array.sizes["chain"]), draw=np.arange(array.sizes["draw"]))
