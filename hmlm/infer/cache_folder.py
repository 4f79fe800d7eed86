"""Where compiled programs are kept between processes: found, kept small and whole, emptied."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import shutil
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 256 * 2**20  # of all programs; those used longest ago go first
LEAST_FREE = 64 * 2**20  # bytes on the disk, below which nothing is kept
CHECKED = "checked"  # a file as old as the last look for damaged entries
CPU_FEATURES = ("flags", "Features")  # as /proc/cpuinfo calls them, on x86 and on ARM


def cache_folder() -> Path:
    """The user's cache folder of hmlm: ``HMLM_CACHE_DIR``, else where the system keeps caches.

    Raises:
        RuntimeError: the user has no home folder.
    """
    if own := os.environ.get("HMLM_CACHE_DIR"):
        return Path(own).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hmlm"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "hmlm" / "Cache"
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "hmlm"


def programs_folder() -> Path:
    """Where programs of this kind of machine and this jaxlib are kept.

    Machines that share a home folder may differ in their instructions: a program for the newer one would
    crash on the older.

    Raises:
        RuntimeError: the user has no home folder.
    """
    machine = hashlib.sha256(_instructions().encode()).hexdigest()[:12]
    version = importlib.metadata.version("jaxlib")
    return _all_programs() / f"jaxlib-{version}-{platform.machine() or 'cpu'}-{machine}"


def ready_folder() -> Path | None:
    """:func:`programs_folder`, made and looked through; None where nothing can be kept there."""
    try:
        folder = programs_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK) or shutil.disk_usage(folder).free < LEAST_FREE:
            return None
        drop_damaged(folder)
        _drop_oldest(_all_programs())
    except (OSError, RuntimeError):
        return None
    return folder


def drop_damaged(folder: Path) -> None:
    """Remove entries that were not written to their end: the disk was full, or the process killed.

    JAX would warn of them again and again, and never replace them.

    Raises:
        OSError: the folder cannot be read or written.
    """
    marker = folder / CHECKED
    since = marker.stat().st_mtime_ns if marker.exists() else 0
    marker.touch()
    for path, known in list(_entries(folder)):
        if known.st_mtime_ns >= since and not _is_whole(path.read_bytes()):
            path.unlink(missing_ok=True)


def kept_bytes() -> int:
    """Size of all programs that are kept, of other machines and versions too."""
    try:
        return sum(known.st_size for _, known in _entries(_all_programs()))
    except (OSError, RuntimeError):
        return 0


def clear() -> int:
    """Remove every kept program; returns how many bytes that were.

    Raises:
        OSError: some may not be removed.
    """
    size = kept_bytes()
    for path, _ in list(_entries(_all_programs())):
        path.unlink(missing_ok=True)
    return size


def _all_programs() -> Path:
    return cache_folder() / "programs"


def _instructions() -> str:
    """What the processor can do; the name of the machine where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.node()
    found = (line.partition(":") for line in lines)
    return next((features for name, _, features in found if name.strip() in CPU_FEATURES), platform.node())


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Files below a folder; those that another process removes meanwhile are passed over."""
    for path in folder.rglob("*") if folder.is_dir() else ():
        try:
            if path.is_file() and path.name != CHECKED:
                yield path, path.stat()
        except FileNotFoundError:
            continue


def _is_whole(content: bytes) -> bool:
    """Whether an entry ends where it should; only those that zlib compressed can be told."""
    if not content.startswith(b"\x78"):
        return bool(content)
    reader = zlib.decompressobj()
    try:
        reader.decompress(content)
    except zlib.error:
        return False
    return reader.eof


def _drop_oldest(folder: Path) -> None:
    """Remove entries that were used longest ago until those left have :data:`MOST_BYTES` at most."""
    entries = sorted(_entries(folder), key=lambda entry: -max(entry[1].st_atime_ns, entry[1].st_mtime_ns))
    size = 0
    for path, known in entries:
        size += known.st_size
        if size > MOST_BYTES:
            path.unlink(missing_ok=True)
