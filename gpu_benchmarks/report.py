"""What a suite hands over: tables, what they mean and what machine they are from, as Markdown and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gpu_benchmarks.machine import Machine
from gpu_benchmarks.table import markdown


@dataclass(frozen=True)
class Table:
    """Rows of one case each.

    Attributes:
        title: one line.
        header: names of the columns.
        rows: as many cells each; None where a figure does not exist.
        explanation: what the columns mean and how they were measured.
        notes: lines about what is missing, and why.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    explanation: str
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """One suite on one machine."""

    suite: str
    tables: Sequence[Table]
    machine: Machine

    def markdown(self) -> str:
        """As people read it."""
        parts = [f"# {self.suite}", self.machine.line()]
        for table in self.tables:
            parts += [f"## {table.title}"]
            parts += [markdown(table.header, table.rows)] if table.rows else []
            parts += [table.explanation, *table.notes]
        return "\n\n".join(parts)

    def json(self) -> str:
        """As programs read it, in full precision; what does not exist or is not finite is null."""
        return json.dumps(_finite({**asdict(self), "rows_are": "lists in the order of the header"}), indent=1)

    def write(self, folder: Path) -> None:
        """``SUITE.md`` and ``SUITE.json`` in a folder, which is made where it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.suite}.md").write_text(f"{self.markdown()}\n", encoding="utf-8")
        (folder / f"{self.suite}.json").write_text(f"{self.json()}\n", encoding="utf-8")


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if hasattr(value, "item"):
        return _finite(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
