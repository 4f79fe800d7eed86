"""The compiled library: found next to this file, its entry points made known to XLA once."""

from __future__ import annotations

import ctypes
import logging
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jax

PATH = Path(__file__).with_name("libhmlm_kernels.shared")
KERNELS = ("rows", "cells", "informed", "informed_gradient", "glm")
SUFFIXES = {"float64": "f64", "float32": "f32"}
INSTRUCTIONS = ("baseline", "AVX2", "AVX-512")

logger = logging.getLogger("hmlm")


class Loaded(NamedTuple):
    """The library, or why there is none: ``"were not compiled when hmlm was installed"``."""

    library: ctypes.CDLL | None
    missing: str | None


class Interface(NamedTuple):
    """Version of XLA's foreign function interface."""

    major: int
    minor: int


def missing() -> str | None:
    """Why there are no native kernels on this machine, None where there are."""
    return _load().missing


def available() -> bool:
    """Whether there are native kernels on this machine."""
    return missing() is None


def target(kernel: str, dtype: object) -> str:
    """Name under which XLA knows a kernel for arrays of a floating point type."""
    _load()
    return f"hmlm_{kernel}_{SUFFIXES[str(dtype)]}"


def instructions(wanted: int = -1) -> int:
    """Which of :data:`INSTRUCTIONS` is used; a number asks for a lesser one than the best (tests do)."""
    library = _load().library
    return library.hmlm_instructions(wanted) if library else 0


def interface_of(include: Path) -> Interface:
    """The version in the headers of a jaxlib, which is the newest that it serves."""
    header = (include / "xla/ffi/api/c_api.h").read_text()
    found = dict(re.findall(r"#define XLA_FFI_API_(MAJOR|MINOR) (\d+)", header))
    return Interface(int(found["MAJOR"]), int(found["MINOR"]))


@cache
def _load() -> Loaded:
    """The library, its kernels registered with XLA; where there is none the log says so once."""
    try:
        library = ctypes.CDLL(str(PATH))
        _check(Interface(*divmod(library.hmlm_interface(), 1000)), interface_of(Path(jax.ffi.include_dir())))
        _register(library)
    except (OSError, AttributeError, KeyError, RuntimeError) as error:
        reason = f"do not load ({error})" if PATH.exists() else "were not compiled when hmlm was installed"
        logger.warning("hmlm: the native kernels %s; XLA computes instead, more slowly", reason)
        return Loaded(None, reason)
    return Loaded(library, None)


def _check(compiled: Interface, running: Interface) -> None:
    """Refuse kernels that XLA would refuse later: no program at all runs on the CPU from then on."""
    if compiled.major != running.major or compiled.minor > running.minor:
        raise RuntimeError(
            f"they were compiled with the headers of another jaxlib, interface {compiled.major}."
            f"{compiled.minor}, and the one that runs here has {running.major}.{running.minor}: install hmlm "
            "again with pip install --no-build-isolation, or update jax"
        )


def _register(library: ctypes.CDLL) -> None:
    for kernel in KERNELS:
        for suffix in SUFFIXES.values():
            name = f"hmlm_{kernel}_{suffix}"
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(library, name)), platform="cpu")
