"""Whether what a run keeps fits in memory or on disk, asked before it starts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hmlm.infer.keep import what_to_keep
from hmlm.infer.settings import ALL, POPULATION, Settings
from hmlm.spec.spec import Spec
from hmlm.types import HmlmError

MEMINFO = Path("/proc/meminfo")
OF_CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
)  # of version 2 and 1


def check_memory(spec: Spec, size: int, settings: Settings) -> None:
    """Refuse a run whose draws of ``size`` coordinates would not fit in memory.

    Raises:
        HmlmError: how much it needs, how much there is and what to do.
    """
    needed, free = what_to_keep(spec, settings.keep).bytes_of(spec, size, settings), free_memory()
    if free is None or needed <= free:
        return
    less = what_to_keep(spec, POPULATION).bytes_of(spec, size, settings)
    population = f'keep="population" takes {in_words(less)}, ' if settings.keep == ALL else ""
    raise HmlmError(
        f"{settings.chains} chains of {settings.n_kept} draws take {in_words(needed)} of memory, and "
        f"{in_words(free)} are free: {population}thin={10 * settings.thin} keeps a tenth of the draws, and "
        "checkpoint=DIR writes them to disk as they come"
    )


def check_disk(folder: Path, needed: int) -> None:
    """Refuse a run that needs more bytes on disk than there are free beside those that the folder has."""
    free = shutil.disk_usage(folder).free
    needed -= sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    if needed > free:
        raise HmlmError(
            f"checkpoint={str(folder)!r}: the run takes {in_words(needed)} there, and {in_words(free)} are "
            'free: choose another disk, keep="population", or raise thin'
        )


def free_memory() -> int | None:
    """Bytes that this process may still take, None where the system does not say."""
    known = [
        free for free in (_of_machine(), *(_of_cgroup(*files) for files in OF_CGROUPS)) if free is not None
    ]
    return min(known, default=None)


def _of_machine() -> int | None:
    """What programs could still take without swapping; pages that nothing uses, where that is not known."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return _unused_pages()


def _unused_pages() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _of_cgroup(folder: Path, limit: str, usage: str) -> int | None:
    """What is left of a container's limit; its files hold "max" where there is none."""
    try:
        numbers = [int((folder / name).read_text(encoding="ascii")) for name in (limit, usage)]
    except (OSError, ValueError):
        return None
    return max(0, numbers[0] - numbers[1])


def in_words(n_bytes: int) -> str:
    """``"3.2 GB"``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes / 1e3:.1f} kB"
