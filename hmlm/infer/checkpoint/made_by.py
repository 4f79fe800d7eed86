"""What the draws of a run depend on beside model, data and settings: code, libraries, devices."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import jax

ROOT = Path(__file__).parents[2]
FOLDERS = ("formula", "spec", "density", "kernels", "infer")  # whose code decides what is drawn
SUFFIXES = {".py", ".cc", ".h", ".cu"}
CODE, DEVICES = "code", "devices"
LIBRARIES = ("jax", "jaxlib", "numpyro")


def made_by() -> dict[str, str]:
    """By name: hmlm and a digest of its code, the libraries, Python, and the kind of device."""
    device = jax.devices()[0]
    return {
        "hmlm": version("hmlm"),
        CODE: code_digest(),
        **{name: version(name) for name in LIBRARIES},
        "python": platform.python_version(),
        DEVICES: f"{device.platform} ({device.device_kind})",
    }


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """What gives other draws than before, in words."""
    for name in (CODE, *LIBRARIES, DEVICES):
        if before.get(name) != now[name]:
            subject = f"hmlm {now['hmlm']}'s code" if name == CODE else name
            yield f"{subject} (then {before.get(name, 'unknown')}, now {now[name]})"


@cache
def code_digest() -> str:
    """Of the files that decide what is drawn."""
    digest = hashlib.sha256()
    files = [ROOT / "types.py", *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    for path in sorted(file for file in files if file.suffix in SUFFIXES):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
