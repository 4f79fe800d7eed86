"""Gaussian rows by sufficient statistics, effects integrated out, by the native kernel."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.kernels.cells import CellData, CellPoint, CellTerms
from hmlm.kernels.native.library import target


def evaluate_cells(terms: CellTerms, data: CellData, point: CellPoint) -> tuple[Array, CellPoint]:
    """Value and gradient, see :mod:`hmlm.kernels.cells`; under vmap all chains are one call."""
    dtype = point.residual.dtype
    shift = jnp.zeros((0, 0), dtype) if point.shift is None else point.shift
    arguments = (point.residual, shift, point.log_sigma, point.precision, point.factor)
    results = [jax.ShapeDtypeStruct(part.shape, dtype) for part in arguments]
    call = jax.ffi.ffi_call(
        target("cells", dtype), [jax.ShapeDtypeStruct((), dtype), *results], vmap_method="expand_dims"
    )
    value, *gradient = call(
        data.count,
        data.basis,
        data.mixed,
        data.varying,
        *arguments,
        effects=np.array(terms.effects, np.int64),
        groups=np.int64(terms.groups),
    )
    found = CellPoint(*gradient)
    return value, found._replace(shift=None if point.shift is None else found.shift)
