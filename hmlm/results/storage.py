"""Reading a saved fit."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path

import xarray as xr

from hmlm.results import archive
from hmlm.results.effects import from_dataset
from hmlm.results.fit import Fit
from hmlm.types import HmlmError


def load_fit(path: str | PathLike[str]) -> Fit:
    """The fit that ``fit.save(path)`` wrote; it prints and summarises as before.

    Raises:
        HmlmError: the file is missing, damaged or not a fit.
    """
    info, groups = archive.read(Path(path))
    return Fit(
        info=info,
        posterior=groups["posterior"],
        sample_stats=groups["sample_stats"],
        effects_fn=_effects_fn(Path(path), groups),
        observed=groups["observed_data"],
    )


def _effects_fn(path: Path, groups: dict[str, xr.Dataset]) -> Callable[[], dict[str, xr.DataArray]]:
    def effects() -> dict[str, xr.DataArray]:
        if "group_effects" not in groups:
            raise HmlmError(f"'{path}' was saved without group effects: fit.save(path) keeps them")
        return from_dataset(groups["group_effects"])

    return effects
