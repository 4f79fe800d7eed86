"""The folder of ``checkpoint=``: what its run was asked for, of which data and by which code.

``model.nc`` holds the statement and the table as a saved fit does, ``header.json``, written last, the rest.
The parts beside them are :mod:`hmlm.infer.checkpoint`'s.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from hmlm.infer.checkpoint.folder import Folder
from hmlm.infer.checkpoint.made_by import CODE, DEVICES, changes, made_by
from hmlm.infer.checkpoint.parts import DamagedError, write_file
from hmlm.infer.parallel import cut_cpu
from hmlm.infer.settings import GIVEN
from hmlm.results import archive
from hmlm.results.assemble import LABELS, info_of, observed_outcomes
from hmlm.results.columns import pack
from hmlm.results.matrices import data_hash, pack_matrices
from hmlm.results.saving import DATA, MATRICES
from hmlm.results.statement import Statement, differences
from hmlm.results.storage import stored_model
from hmlm.spec.family import Family
from hmlm.spec.spec import Spec
from hmlm.types import Design, HmlmError

HEADER, MODEL = "header.json", "model.nc"
FORMAT = 1
OURS = (MODEL, "density.npz", ".")  # how the names begin of what may be there before the header is


@dataclass(frozen=True)
class StoredRun:
    """The run of a folder: its parts, what was asked for, and the model, built again."""

    folder: Folder
    statement: Statement
    spec: Spec
    design: Design


def open_run(path: str | PathLike[str], spec: Spec, statement: Statement, design: Design) -> Folder:
    """The folder for a run: a new one, or the one that holds this very run.

    Raises:
        HmlmError: it holds another run, other files, or one of other code; the message says what differs.
    """
    path = Path(path)
    if not (path / HEADER).exists():
        return _begin(path, spec, statement, design)
    header, stored = _read_header(path), archive.read_header(path / MODEL)
    differing = list(_differences(stored, statement, design))
    if differing:
        raise HmlmError(
            f"checkpoint='{path}' holds another run ({', '.join(differing)}): name an empty folder, or go on "
            f"with that one by hm.resume('{path}')"
        )
    return _checked(path, header, statement, any_code=False)


def stored_run(
    path: str | PathLike[str], family: Family | None = None, *, any_code: bool = False
) -> StoredRun:
    """The run of a folder.

    Args:
        path: the folder.
        family: the custom one that was fitted, which files do not hold.
        any_code: go on although code or libraries have changed.

    Raises:
        HmlmError: there is none, its files are damaged, or code or devices have changed.
    """
    path = Path(path)
    if not (path / HEADER).exists():
        raise HmlmError(f"'{path}' holds no run to go on with; m.fit(checkpoint=...) begins one")
    header, (stored, groups) = _read_header(path), archive.read(path / MODEL)
    statement = stored.statement
    assert statement is not None
    cut_cpu(statement.settings.devices)
    spec, design = stored_model(stored, statement, family, groups)
    return StoredRun(_checked(path, header, statement, any_code=any_code), statement, spec, design)


def check_same_data(path: str | PathLike[str], design: Design, other: Design) -> None:
    """Refuse to go on with other data.

    Raises:
        HmlmError: the tables differ.
    """
    if data_hash(design) != data_hash(other):
        raise HmlmError(
            f"data: not the table that the run of '{path}' was begun with, so its draws would be of two "
            "posteriors; leave data out, the folder holds the table"
        )


def _begin(path: Path, spec: Spec, statement: Statement, design: Design) -> Folder:
    path.mkdir(parents=True, exist_ok=True)
    others = sorted(file.name for file in path.iterdir() if not file.name.startswith(OURS))
    if others:
        raise HmlmError(
            f"checkpoint='{path}' holds other files ({others[0]}, …): name an empty or new folder"
        )
    for leftover in path.glob("density.npz"):
        leftover.unlink()
    table, columns = pack(design.table)
    groups = {"observed_data": observed_outcomes(design), DATA: table}
    if design.known:
        groups[MATRICES] = pack_matrices(design.known)
    info = _info(spec, statement, design)
    archive.write(path / MODEL, archive.Header(info, statement, columns, data_hash(design)), groups)
    run = uuid.uuid4().hex
    _write_header(path, {"format": FORMAT, "run": run, "made_by": made_by()})
    return Folder(path, run)


def _info(spec: Spec, statement: Statement, design: Design) -> Any:
    settings = statement.settings
    return info_of(
        spec,
        design,
        statement.data_name,
        algorithm=LABELS[settings.sampler],
        chains=settings.chains,
        warmup=settings.warmup,
        draws=0,
        seed=settings.seed,
        density="",
        seconds=(),
        max_tree_depth=settings.max_tree_depth,
    )


def _differences(stored: archive.Header, statement: Statement, design: Design) -> Iterator[str]:
    """What is asked for now and was not then."""
    assert stored.statement is not None
    found = list(differences(stored.statement, statement))
    if stored.statement.kernels != statement.kernels:
        found.append("kernels")
    found.extend(
        name
        for name in GIVEN
        if getattr(stored.statement.settings, name) != getattr(statement.settings, name)
    )
    yield from (f"other {name}" for name in dict.fromkeys(found))
    if "formula" not in found and stored.table_hash != data_hash(design):
        yield "other data"


def _checked(path: Path, header: Mapping[str, Any], statement: Statement, *, any_code: bool) -> Folder:
    """The folder, if the code that goes on with it is the one that began it."""
    folder = Folder(path, header["run"])
    if folder.finished:
        _say(f"read {path} instead of sampling")
        return folder
    now = made_by()
    changed = list(changes(header["made_by"], now))
    if changed and header["made_by"][DEVICES] != now[DEVICES]:
        raise HmlmError(
            f"'{path}' was begun on other devices: {'; '.join(changed)}. Go on where it was begun"
        )
    if changed and not any_code:
        raise HmlmError(
            f"'{path}' was begun by other code: {'; '.join(changed)}. Draws would not be those of one run: "
            f"use those versions, or go on all the same by hm.resume('{path}', any_code=True) (`--any-code`)"
        )
    if changed:
        _write_header(path, {**header, "made_by": now, "before": header["made_by"]})
    done, total = folder.done(), statement.settings.warmup + statement.settings.draws
    _say(f"going on with the run of {path}: {done} of {total} draws per chain are there")
    return folder


def _read_header(path: Path) -> dict[str, Any]:
    try:
        header = json.loads((path / HEADER).read_text(encoding="utf-8"))
        newer = header["format"] > FORMAT
        header["run"], header["made_by"][CODE]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"'{path / HEADER}' is damaged ({error})") from error
    if newer:
        raise HmlmError(f"'{path}' was begun by a newer hmlm: update hmlm to go on with it")
    return header


def _write_header(path: Path, header: Mapping[str, Any]) -> None:
    text = json.dumps(header, indent=1).encode()
    write_file(path / HEADER, lambda file: file.write(text), len(text))


def _say(message: str) -> None:
    print(f"hmlm: {message}", file=sys.stderr)
