"""All draws of a run as one file per array, which is read as it is looked at: memory stays as it was."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import IO, Any

import numpy as np

from hmlm.infer.checkpoint.folder import DRAWS, FINISHED, Folder
from hmlm.infer.checkpoint.parts import DamagedError, ForeignError, explained, open_new, write_file
from hmlm.infer.sink import Moment, draw_axis, shape_of_all

WHOLE = "draws"
BLOCK = 2**24  # bytes that a checksum reads at a time

Arrays = Mapping[str, np.ndarray]


def write_whole(folder: Folder, parts: int, moment: Moment, *, complete: bool) -> dict[str, np.ndarray]:
    """Draws of all parts, moved into whole arrays; those of an unfinished run are copied, its parts stay.

    Raises:
        FullDiskError: no space left: the parts stay, and the next try begins here.
        DamagedError: a part that was whole before is not any more.
    """
    new, into = folder.path / f".{WHOLE}.part", folder.path / WHOLE
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir()
        _fill(new, folder.draws(parts), moment.kept)
        shutil.rmtree(into, ignore_errors=True)
        os.replace(new, into)
    except OSError as error:
        raise explained(error, folder.path, _size(new)) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    if complete:
        _finish(folder, moment)
    return _opened(into)


def read_whole(folder: Folder) -> tuple[dict[str, np.ndarray], Moment] | None:
    """Arrays of a finished run and its last moment, without states; None of one that is not finished.

    Raises:
        DamagedError, ForeignError: naming the file.
    """
    path = folder.path / FINISHED
    if not path.exists():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        run, sums, last = facts["run"], facts["checksums"], Moment([], **facts["moment"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"'{path}' is damaged ({error})") from error
    if run != folder.run:
        raise ForeignError(f"'{path}' belongs to another run: take it out of the folder")
    for name, expected in sums.items():
        _check(folder.path / WHOLE / name, expected)
    _forget_parts(folder)
    return _opened(folder.path / WHOLE), last


def forget_whole(folder: Folder) -> None:
    """Remove the copy of an unfinished run's draws."""
    shutil.rmtree(folder.path / WHOLE, ignore_errors=True)


# --- writing --------------------------------------------------------------------------------------


def _fill(folder: Path, parts: Iterable[Arrays], n_draws: int) -> None:
    """Write (.., S, ..) arrays piece by piece: nothing is held but one part."""
    files: dict[str, tuple[IO[bytes], int]] = {}
    low = 0
    try:
        for part in parts:
            for name, array in part.items():
                if name not in files:
                    files[name] = _new_array(folder / f"{name}.npy", name, array, n_draws)
                _put(*files[name], name, array, low, n_draws)
            low += array.shape[draw_axis(name)]
    finally:
        for file, _ in files.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()


def _new_array(path: Path, name: str, like: np.ndarray, n_draws: int) -> tuple[IO[bytes], int]:
    """A file with the header of an array and how long that is."""
    file = open_new(path)
    shape = shape_of_all(name, like, n_draws)
    header = {"descr": like.dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    begin = file.tell()
    file.truncate(begin + like.dtype.itemsize * int(np.prod(shape)))
    return file, begin


def _put(file: IO[bytes], begin: int, name: str, array: np.ndarray, low: int, n_draws: int) -> None:
    """Write a part's draws from number ``low`` on."""
    axis = draw_axis(name)
    stride = array.dtype.itemsize * int(np.prod(array.shape[axis + 1 :]))
    for row, index in enumerate(product(*map(range, array.shape[:axis]))):
        file.seek(begin + (row * n_draws + low) * stride)
        file.write(np.ascontiguousarray(array[index]).data)


def _finish(folder: Folder, moment: Moment) -> None:
    sums = {path.name: _checksum(path) for path in sorted((folder.path / WHOLE).iterdir())}
    facts: dict[str, Any] = {"run": folder.run, "moment": moment.facts(), "checksums": sums}
    text = json.dumps(facts).encode()
    write_file(folder.path / FINISHED, lambda file: file.write(text), len(text))
    _forget_parts(folder)


def _forget_parts(folder: Folder) -> None:
    folder.forget_states()
    for number in folder.numbers(DRAWS):
        folder.part(DRAWS, number).unlink(missing_ok=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.npy"))


# --- reading --------------------------------------------------------------------------------------


def _opened(folder: Path) -> dict[str, np.ndarray]:
    return {
        path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))
    }


def _check(path: Path, expected: int) -> None:
    if not path.is_file():
        raise DamagedError(f"'{path}' is missing")
    if _checksum(path) != expected:
        raise DamagedError(f"'{path}' is damaged: its checksum does not fit its contents")


def _checksum(path: Path) -> int:
    sum_ = 0
    for block in _read(path):
        sum_ = zlib.crc32(block, sum_)
    return sum_


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
