"""A fit's file: netCDF-4 that ArviZ opens, with the fit's facts as a JSON attribute."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import xarray as xr

from hmlm.results.datatree import from_datatree, to_datatree
from hmlm.results.info import FitInfo, Row
from hmlm.types import HmlmError

ENGINE = "h5netcdf"
KEY = "hmlm"
FORMAT = 1
STARTS = (
    (b"CDF", "netCDF-3"),
    (b"PK", "zip or npz"),
    (b"\x1f\x8b", "gzip or R's .rds"),
    (b"\x80", "Python pickle"),
)
HDF5 = b"\x89HDF\r\n\x1a\n"


def write(path: Path, info: FitInfo, groups: Mapping[str, xr.Dataset]) -> None:
    """Write the file under a temporary name, then rename it: readers never see half a file."""
    if not path.parent.is_dir():
        raise HmlmError(f"cannot save '{path}': there is no folder '{path.parent}'")
    tree = to_datatree(groups, {KEY: _to_json(info)})
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        tree.to_netcdf(part, engine=ENGINE)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read(path: Path) -> tuple[FitInfo, dict[str, xr.Dataset]]:
    """The facts and groups of a file that :func:`write` wrote, in memory.

    Raises:
        HmlmError: the file is missing, foreign, damaged or from a newer hmlm.
    """
    _check_start(path)
    try:
        with xr.open_datatree(path, engine=ENGINE) as tree:
            _check_origin(path, tree)
            return _from_json(path, tree.attrs[KEY]), from_datatree(tree.load())
    except (OSError, RuntimeError, KeyError) as error:
        raise HmlmError(f"'{path}' is damaged or cut short: {error}") from error


def _check_start(path: Path) -> None:
    if not path.is_file():
        raise HmlmError(f"there is no file '{path}'")
    with path.open("rb") as file:
        start = file.read(len(HDF5))
    if start != HDF5:
        kind = next((f" but a {name} file" for magic, name in STARTS if start.startswith(magic)), "")
        raise HmlmError(f"'{path}' is not a saved fit{kind}; fit.save(path) writes netCDF-4")


def _check_origin(path: Path, tree: xr.DataTree) -> None:
    if KEY not in tree.attrs:
        held = f"the groups {', '.join(tree.children)}" if tree.children else "no groups"
        raise HmlmError(
            f"'{path}' was not saved by hmlm (netCDF-4 or HDF5 with {held}); try arviz.from_netcdf(path)"
        )


def _to_json(info: FitInfo) -> str:
    return json.dumps({"format": FORMAT, "info": asdict(info)})


def _from_json(path: Path, text: str) -> FitInfo:
    stored = json.loads(text)
    known = {field.name for field in fields(FitInfo)}
    if stored["format"] > FORMAT or not known.issuperset(stored["info"]):
        raise HmlmError(f"'{path}' was saved by a newer hmlm: update hmlm to read it")
    rows = tuple(Row(**row) for row in stored["info"].pop("rows"))
    return FitInfo(rows=rows, **{name: _tuples(value) for name, value in stored["info"].items()})


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples they were."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
