"""A fit's file: netCDF-4 that ArviZ opens, with the fit's facts as a JSON attribute.

Format 2 adds what was asked for (:class:`hmlm.results.statement.Statement`) and the table, from which a
loaded fit builds its model again.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import xarray as xr

from hmlm.results.columns import Column
from hmlm.results.datatree import from_datatree, to_datatree
from hmlm.results.info import FitInfo
from hmlm.results.plain import decode, to_json
from hmlm.results.statement import Statement
from hmlm.types import HmlmError

ENGINE = "h5netcdf"
KEY = "hmlm"
T = TypeVar("T")
FORMAT = 2
STARTS = (
    (b"CDF", "netCDF-3"),
    (b"PK", "zip or npz"),
    (b"\x1f\x8b", "gzip or R's .rds"),
    (b"\x80", "Python pickle"),
)
HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Header:
    """What a file says beside its arrays.

    Attributes:
        info: the fit's facts.
        statement: what was asked for; None in files of format 1 and of fits without a model.
        columns: how the table is stored.
        table_hash: of the table, empty without one.
    """

    info: FitInfo
    statement: Statement | None = None
    columns: tuple[Column, ...] = ()
    table_hash: str = ""


def write(path: Path, header: Header, groups: Mapping[str, xr.Dataset]) -> None:
    """Write the file under a temporary name, then rename it: readers never see half a file."""
    check_folder(path)
    tree = to_datatree(groups, {KEY: to_json({"format": FORMAT, **vars(header)})})
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        tree.to_netcdf(part, engine=ENGINE)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def check_folder(path: Path) -> None:
    """Refuse a file that could not be written.

    Raises:
        HmlmError: its folder is missing, or it is a folder.
    """
    if not path.parent.is_dir():
        raise HmlmError(f"cannot save '{path}': there is no folder '{path.parent}'")
    if path.is_dir():
        raise HmlmError(f"cannot save '{path}': it is a folder; name a file, such as '{path / 'fit.nc'}'")


def read(path: Path) -> tuple[Header, dict[str, xr.Dataset]]:
    """The header and groups of a file that :func:`write` wrote, in memory.

    Raises:
        HmlmError: the file is missing, foreign, damaged or from a newer hmlm.
    """
    return _opened(path, lambda tree: (_from_json(path, tree.attrs[KEY]), from_datatree(tree.load())))


def read_header(path: Path) -> Header:
    """What a file says beside its arrays; raises as :func:`read` does."""
    return _opened(path, lambda tree: _from_json(path, tree.attrs[KEY]))


def _opened(path: Path, look: Callable[[xr.DataTree], T]) -> T:
    _check_start(path)
    try:
        with xr.open_datatree(path, engine=ENGINE) as tree:
            _check_origin(path, tree)
            return look(tree)
    except (OSError, RuntimeError, KeyError, TypeError, json.JSONDecodeError) as error:
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


def _from_json(path: Path, text: str) -> Header:
    stored = json.loads(text)
    newer = HmlmError(f"'{path}' was saved by a newer hmlm: update hmlm to read it")
    if stored.pop("format") > FORMAT:
        raise newer
    try:
        return decode(Header, stored)
    except KeyError as error:
        raise newer from error
