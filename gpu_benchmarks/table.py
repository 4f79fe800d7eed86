"""Markdown tables, and small facts about this machine."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

MISSING = "–"


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown, columns padded, those after the first two flush right."""
    cells = [list(header), *([text(cell) for cell in row] for row in rows)]
    widths = [max(2, *(len(line[i]) for line in cells)) for i in range(len(header))]
    rule = ["-" * width if i < 2 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    padded = [_padded(line, widths) for line in cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in [padded[0], rule, *padded[1:]])


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    sized = enumerate(zip(line, widths, strict=True))
    return [cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in sized]


def text(cell: object) -> str:
    """A cell: numbers with three significant digits, never in powers of ten."""
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return MISSING
    if not isinstance(cell, float):
        return str(cell)
    if cell == 0:
        return "0"
    rounded = float(f"{cell:.3g}")
    return f"{rounded:.{max(2 - math.floor(math.log10(abs(rounded))), 0)}f}"


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of the installed ones among ``packages``."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def n_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """The processor as Linux calls it, else as Python does."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
