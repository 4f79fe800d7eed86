"""One part: arrays and facts in a file that is either whole or not there, and known when it is damaged.

npz without pickle, written under a temporary name, synced, renamed. A part holds a digest of all that is in
it, the id of its run and its own name.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from hmlm.infer.room import in_words
from hmlm.types import HmlmError

FACTS = "facts"
FULL = (errno.ENOSPC, errno.EDQUOT)
OTHERS = (OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError)
UNREADABLE = (*OTHERS, zipfile.BadZipFile, zlib.error)

Arrays = Mapping[str, np.ndarray]


class DamagedError(HmlmError):
    """A part that is cut short, changed or missing."""


class ForeignError(HmlmError):
    """A part of another run, or under another name than its own."""


class FullDiskError(HmlmError):
    """A disk without room for the next part."""


def write_part(path: Path, run: str, arrays: Arrays, facts: Mapping[str, Any]) -> None:
    """Write a part.

    Raises:
        FullDiskError: no space left: nothing was written, no file stays behind.
    """
    whole = {**facts, "run": run, "name": path.name}
    text = json.dumps({**whole, "digest": _digest(arrays, whole)}).encode()
    contents = {**arrays, FACTS: np.frombuffer(text, np.uint8)}
    size = sum(array.nbytes for array in contents.values())
    write_file(path, lambda file: np.savez(file, **contents), size)


def read_part(path: Path, run: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and facts of a part.

    Raises:
        DamagedError: it is not what was written, or missing.
        ForeignError: it is whole but not the run's part of that name.
    """
    if not path.is_file():
        raise DamagedError(f"'{path}' is missing")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(arrays.pop(FACTS).tobytes())
        digest = facts.pop("digest")
    except UNREADABLE as error:
        raise DamagedError(f"'{path}' is damaged, cut short or no part of a run ({error})") from error
    if digest != _digest(arrays, facts):
        raise DamagedError(f"'{path}' is damaged: its checksum does not fit its contents")
    if facts["run"] != run:
        raise ForeignError(f"'{path}' belongs to another run: take it out of the folder")
    if facts["name"] != path.name:
        raise ForeignError(f"'{path}' is '{facts['name']}' under another name")
    return arrays, facts


def write_file(path: Path, write: Callable[[IO[bytes]], Any], size: int) -> None:
    """Write a file whole or not at all, ``size`` bytes or so.

    Raises:
        FullDiskError: no space left.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with open_new(part) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        raise explained(error, path.parent, size) from error
    finally:
        part.unlink(missing_ok=True)


def open_new(path: Path) -> IO[bytes]:
    """A new file to write to, instead of one that is there."""
    return path.open("wb")


def explained(error: OSError, folder: Path, size: int) -> Exception:
    """The error itself, or for a full disk one that says how much is missing and how to go on."""
    if error.errno not in FULL:
        return error
    free = shutil.disk_usage(folder).free
    return FullDiskError(
        f"no space left in '{folder}': the next part takes {in_words(size)}, and {in_words(free)} are free. "
        "What was written before is whole: make room, and hm.resume"
        f"({str(folder)!r}) goes on where it stopped (`hmlm fit --resume` on the command line)"
    )


def sync_folder(folder: Path) -> None:
    """Make renamed files outlast a loss of power."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(arrays: Arrays, facts: Mapping[str, Any]) -> str:
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(json.dumps([name, array.dtype.str, arrays[name].shape]).encode())
        digest.update(array.reshape(-1).view(np.uint8))
    return digest.hexdigest()
