"""Compile the C++ kernels: once per instruction set, linked into one library with plain C symbols.

Nothing in it depends on the version of Python, and headers of an older jaxlib serve newer ones, so that one
library serves all. Those of a newer one do not serve older ones: the library says which it was compiled with.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
LIBRARY = "libhmlm_kernels.shared"  # not .so: Python would take it for a module
COMMON = ("-std=c++17", "-O3", "-fPIC", "-w")
NUMERICS = ("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")  # and never -ffast-math


class CompilerError(RuntimeError):
    """The kernels cannot be compiled here; the message says why."""


class Instructions(NamedTuple):
    """One instruction set: its namespace, compiler flags, bytes in a vector, and per type the largest number
    of effects whose algebra is unrolled."""

    name: str
    flags: tuple[str, ...]
    vector_bytes: int
    unrolled: dict[str, int]


X86 = (
    Instructions("base", (), 16, {"double": -1, "float": -1}),
    Instructions("v3", ("-march=x86-64-v3",), 32, {"double": 8, "float": 2}),
    Instructions("v4", ("-march=x86-64-v4",), 64, {"double": 8, "float": 3}),
)
OTHER = (Instructions("base", (), 16, {"double": 8, "float": 3}),)
HALVES = {"rows": ("-DHMLM_ROWS",), "cells": ()}


def compile_library(include: Path, out: Path = HERE / LIBRARY) -> Path:
    """Compile to ``out``, unless it is newer than every source.

    Args:
        include: folder of the headers of XLA's foreign function interface, ``jax.ffi.include_dir()``.
        out: the library.

    Raises:
        CompilerError: no C++ compiler, or it fails.
    """
    if out.exists() and out.stat().st_mtime > max(path.stat().st_mtime for path in _sources()):
        return out
    compiler = find_compiler()
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands(compiler, include, Path(folder), X86 if x86 else OTHER, x86)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_run, commands.values()))
        made = Path(folder) / LIBRARY
        _run([compiler, "-shared", "-pthread", "-o", str(made), *map(str, commands)])
        fresh = out.with_name(f"{os.getpid()}.{out.name}")
        shutil.copyfile(made, fresh)
        os.replace(fresh, out)  # never in place: a running process may have the old one loaded
    return out


def include_dir() -> Path:
    """The headers that come with jaxlib.

    Raises:
        CompilerError: jaxlib is not there.
    """
    try:
        from jax.ffi import include_dir as folder
    except ImportError as error:
        raise CompilerError(f"the headers of jaxlib are needed: {error}") from error
    return Path(folder())


def find_compiler() -> str:
    """The C++ compiler: ``$CXX``, else the first of c++, g++ and clang++ on the path."""
    asked = os.environ.get("CXX")
    names = (asked,) if asked is not None else ("c++", "g++", "clang++")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None or sys.platform == "win32":
        raise CompilerError(f"no C++ compiler for this system (looked for {', '.join(filter(None, names))})")
    return found


def _sources() -> list[Path]:
    return [*SOURCE.iterdir(), Path(__file__)]


def _commands(
    compiler: str, include: Path, folder: Path, sets: tuple[Instructions, ...], x86: bool
) -> dict[Path, list[str]]:
    """Command lines by object file, the longest first; ``$CXXFLAGS`` come last."""
    common = [compiler, "-c", *COMMON, *(("-DHMLM_X86",) if x86 else ())]
    kernels = {
        folder / f"{part.name}_{kind}_{half}.o": [
            *common, *NUMERICS, *part.flags, *define, f"-DHMLM_TYPE={kind}", f"-DHMLM_ISA={part.name}",
            f"-DHMLM_VECTOR_BYTES={part.vector_bytes}", f"-DHMLM_UNROLLED={part.unrolled[kind]}",
            str(SOURCE / "instructions.cc"),
        ]
        for kind in ("double", "float")
        for part in reversed(sets)
        for half, define in HALVES.items()
    }  # fmt: skip
    entry = [*common, "-isystem", str(include), str(SOURCE / "bind.cc")]
    extra = os.environ.get("CXXFLAGS", "").split()
    commands = kernels | {folder / "bind.o": entry}
    return {out: [*command, *extra, "-o", str(out)] for out, command in commands.items()}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompilerError(f"{' '.join(command)}\n{done.stderr[-2000:]}")
