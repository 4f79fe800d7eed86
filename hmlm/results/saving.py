"""Writing a fit to its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from hmlm.results import archive
from hmlm.results.columns import pack, table_hash
from hmlm.results.effects import to_dataset
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

DATA, EFFECTS = "hmlm_data", "group_effects"


def save(fit: Fit, groups: dict[str, xr.Dataset], path: Path, *, overwrite: bool, effects: bool) -> None:
    """Write the fit's groups, its table and, if asked for, its group effects, as :meth:`Fit.save` says."""
    if not overwrite and path.exists():
        raise HmlmError(f"'{path}' exists: choose another name or say overwrite=True")
    archive.check_folder(path)
    header = archive.Header(fit.info)
    table = None if fit.design is None else fit.design.table
    if fit.statement is not None and table is not None:
        groups[DATA], columns = pack(table)
        header = archive.Header(fit.info, fit.statement, columns, table_hash(table))
    if effects:
        groups[EFFECTS] = to_dataset(fit.effects)
    archive.write(path, header, groups)
