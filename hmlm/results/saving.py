"""Handing a fit on: to its file and to ArviZ."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from hmlm.results import archive, datatree
from hmlm.results.columns import pack
from hmlm.results.effects import to_dataset
from hmlm.results.kept_draws import NotKeptError
from hmlm.results.matrices import data_hash, pack_matrices
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

DATA, MATRICES, EFFECTS = "hmlm_data", "hmlm_data2", "group_effects"


def save(fit: Fit, path: str | PathLike[str], *, overwrite: bool = True, effects: bool = True) -> None:
    """Write one netCDF file, for :func:`hmlm.load_fit` and ``arviz.from_netcdf``.

    Args:
        path: the file.
        overwrite: False refuses to replace a file.
        effects: False leaves the group effects out, by far the largest part; those of a Gaussian mean can
            be drawn again from the parameters.
    """
    path, groups = Path(path), _groups(fit)
    if not overwrite and path.exists():
        raise HmlmError(f"'{path}' exists: choose another name or say overwrite=True")
    archive.check_folder(path)
    header = archive.Header(fit.info)
    table = None if fit.design is None else fit.design.table
    if fit.statement is not None and table is not None:
        groups[DATA], columns = pack(table)
        header = archive.Header(fit.info, fit.statement, columns, data_hash(fit.design))
        if fit.design.known:
            groups[MATRICES] = pack_matrices(fit.design.known)
    if effects:
        groups |= _effects(fit)
    archive.write(path, header, groups)


def _effects(fit: Fit) -> dict[str, xr.Dataset]:
    """The group effects of a fit that kept them."""
    try:
        return {EFFECTS: to_dataset(fit.effects)}
    except NotKeptError:
        return {}


def to_arviz(fit: Fit, effects: bool = False) -> Any:
    """ArviZ's ``InferenceData`` (0.x) or ``DataTree`` (1.x); group effects join the posterior."""
    groups = _groups(fit)
    if effects:
        groups["posterior"] = fit.posterior.merge(to_dataset(fit.effects))
    return datatree.to_arviz(datatree.to_datatree(groups))


def _groups(fit: Fit) -> dict[str, xr.Dataset]:
    return {"posterior": fit.posterior, "sample_stats": fit.sample_stats, "observed_data": fit.observed}
