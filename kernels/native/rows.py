"""Gaussian rows with effects integrated out, by the native kernel."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.kernels.native.bundles import BundledRows
from hmlm.kernels.native.library import target
from hmlm.kernels.rows import RowPoint, RowTerms


def evaluate_rows(terms: RowTerms, data: BundledRows, point: RowPoint) -> tuple[Array, RowPoint]:
    """Value and gradient, see :mod:`hmlm.kernels.rows`; ``point.offset`` is (2, M, R, 8).

    Under vmap all chains are one call.
    """
    dtype = point.mean.dtype
    offset = jnp.zeros((0, 0, 0, 0), dtype) if point.offset is None else point.offset
    arguments = (point.mean, point.scale, point.precision, point.factor, offset)
    results = [jax.ShapeDtypeStruct(part.shape, dtype) for part in arguments]
    call = jax.ffi.ffi_call(
        target("rows", dtype), [jax.ShapeDtypeStruct((), dtype), *results], vmap_method="expand_dims"
    )
    value, *gradient, d_offset = call(
        data.columns,
        data.outcomes,
        data.start,
        data.group,
        *arguments,
        mean=_flat(terms.mean),
        scale=_flat(terms.scale),
        effects=_flat(terms.effects),
    )
    return value, RowPoint(*gradient, None if point.offset is None else d_offset)


def _flat(terms: tuple[tuple[int, int], ...]) -> np.ndarray:
    return np.array(terms, np.int64).ravel()
