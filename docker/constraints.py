"""Constraints from a resolution: from what ``pip install --report -`` writes to ``name==version`` lines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

OWN = "hmlm"


def constraints(report: Mapping[str, Any]) -> list[str]:
    """Sorted ``name==version`` of every package that pip chose, the project itself left out."""
    chosen = [entry["metadata"] for entry in report["install"]]
    pins = {_normal(package["name"]): package["version"] for package in chosen}
    return sorted(f"{name}=={version}" for name, version in pins.items() if name != OWN)


def header(report: Mapping[str, Any]) -> str:
    """A line that says for what the versions were chosen."""
    machine = report["environment"]
    system = f"{machine['sys_platform']} {machine['platform_machine']}"
    python = f"Python {machine['python_version']}"
    return f"# Chosen by pip {report['pip_version']} for {python}, {system}; README.md has the command."


def _normal(name: str) -> str:
    """A package's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    resolved = json.load(sys.stdin)
    print("\n".join([header(resolved), *constraints(resolved)]))
