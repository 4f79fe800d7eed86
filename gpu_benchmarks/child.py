"""Figures from a fresh process, which prints them as one line of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LAST = 300  # characters of an error that are kept


class Child(NamedTuple):
    """What a process printed, None where it failed; when it was started; its last words where it failed."""

    facts: dict | None
    began: float
    error: str | None


def run_child(module: str, arguments: Sequence[object], changed: Mapping[str, str]) -> Child:
    """``python -m module arguments`` in this environment with some variables changed.

    A process that fails is a result, not an error: flags may be what is tried.
    """
    environment = {**os.environ, "PYTHONPATH": python_path(), **changed}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    began = time.time()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        words = " ".join(done.stderr.split())[-LAST:]
        return Child(None, began, f"exit status {done.returncode}: {words}")
    return Child(json.loads(done.stdout.splitlines()[-1]), began, None)


def python_path() -> str:
    """This process's ``PYTHONPATH`` with the folder of this package first."""
    return os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
