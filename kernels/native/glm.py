"""Rows of a generalised linear model by the native kernel."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jax import Array

from hmlm.kernels.arrays import on_device
from hmlm.kernels.glm import GlmTerms
from hmlm.kernels.native.bundles import make_bundling
from hmlm.kernels.native.library import target


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class BundledGlm:
    """N rows in bundles (:mod:`hmlm.kernels.native.bundles`), R rows of eight lanes in all.

    Attributes:
        columns: (R, K, 8).
        outcomes: (R, 8) y, zero where padded.
        sizes: (R, 8) n, zero where padded.
        start: (bundles + 1,) int32, first row of every bundle.
        group: (bundles, 8) int32, each lane's group, -1 where it has none.
        constant: scalar, what the log likelihood has beside what depends on eta.
    """

    columns: Array
    outcomes: Array
    sizes: Array
    start: Array
    group: Array
    constant: Array


def bundle_glm(
    index: np.ndarray,
    n_groups: int,
    columns: np.ndarray,
    outcomes: np.ndarray,
    sizes: np.ndarray,
    constant: float = 0.0,
) -> BundledGlm:
    """Rows of the groups ``index`` (N,) names, columns (K, N), outcomes and sizes (N,), in bundles."""
    bundling = make_bundling(index, n_groups)
    return BundledGlm(
        columns=on_device(bundling.place(columns)),
        outcomes=on_device(bundling.place(outcomes[None])[:, 0]),
        sizes=on_device(bundling.place(sizes[None])[:, 0]),
        start=on_device(bundling.start),
        group=on_device(bundling.group),
        constant=on_device(constant),
    )


def evaluate_glm(terms: GlmTerms, data: BundledGlm, point: Array) -> tuple[Array, Array]:
    """Value and gradient at (A, J) coefficients, see :mod:`hmlm.kernels.glm`; under vmap one call."""
    dtype = point.dtype
    results = [jax.ShapeDtypeStruct((), dtype), jax.ShapeDtypeStruct(point.shape, dtype)]
    call = jax.ffi.ffi_call(target("glm", dtype), results, vmap_method="expand_dims")
    return tuple(
        call(
            data.columns,
            data.outcomes,
            data.sizes,
            data.start,
            data.group,
            point,
            terms=np.array(terms.columns, np.int64),
            link=np.int64(terms.link),
        )
    )
