"""Known covariances between levels in a fit's file, and what tells whether data have changed with them."""

from __future__ import annotations

import hashlib

import numpy as np
import xarray as xr

from hmlm.results.columns import table_hash
from hmlm.types import Design, KnownCovariance


def pack_matrices(known: tuple[KnownCovariance, ...]) -> xr.Dataset:
    """A dataset of (L, L) arrays, dims ``(level_0, other_0)``, …, with their levels as coordinates."""
    return xr.Dataset(
        {
            f"matrix_{i}": xr.DataArray(
                one.matrix,
                dims=(f"level_{i}", f"other_{i}"),
                coords={f"level_{i}": list(one.levels)},
                attrs={"name": one.name},
            )
            for i, one in enumerate(known)
        }
    )


def unpack_matrices(dataset: xr.Dataset) -> dict[str, KnownCovariance]:
    """Undo :func:`pack_matrices`: by name."""
    return {str(array.attrs["name"]): _unpacked(array) for array in dataset.data_vars.values()}


def _unpacked(array: xr.DataArray) -> KnownCovariance:
    levels = tuple(str(level) for level in array.coords[array.dims[0]].values)
    return KnownCovariance(str(array.attrs["name"]), levels, np.asarray(array.values))


def data_hash(design: Design) -> str:
    """Hash of the table that a design keeps and of the covariances beside it; empty without a table."""
    if design.table is None:
        return ""
    of_table = table_hash(design.table)
    if not design.known:
        return of_table
    digest = hashlib.sha256(of_table.encode())
    for one in design.known:
        digest.update("\0".join((one.name, *one.levels)).encode())
        digest.update(np.ascontiguousarray(one.matrix, "<f8").tobytes())
    return digest.hexdigest()
