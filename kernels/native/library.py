"""The compiled library: found next to this file, its entry points made known to XLA once."""

from __future__ import annotations

import ctypes
import logging
from functools import cache
from pathlib import Path

import jax

PATH = Path(__file__).with_name("libhmlm_kernels.shared")
KERNELS = ("rows", "cells", "informed", "informed_gradient", "glm")
SUFFIXES = {"float64": "f64", "float32": "f32"}
INSTRUCTIONS = ("baseline", "AVX2", "AVX-512")

logger = logging.getLogger("hmlm")


@cache
def load() -> ctypes.CDLL | None:
    """The library, its kernels registered with XLA; None, said once in the log, where there is none."""
    try:
        library = ctypes.CDLL(str(PATH))
        _register(library)
    except (OSError, AttributeError, RuntimeError) as error:
        reason = f"do not load ({error})" if PATH.exists() else "were not compiled when hmlm was installed"
        logger.warning("hmlm: the native kernels %s; XLA computes instead, more slowly", reason)
        return None
    return library


def _register(library: ctypes.CDLL) -> None:
    for kernel in KERNELS:
        for suffix in SUFFIXES.values():
            name = f"hmlm_{kernel}_{suffix}"
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(library, name)), platform="cpu")


def available() -> bool:
    """Whether there are native kernels on this machine."""
    return load() is not None


def target(kernel: str, dtype: object) -> str:
    """Name under which XLA knows a kernel for arrays of a floating point type."""
    load()
    return f"hmlm_{kernel}_{SUFFIXES[str(dtype)]}"


def instructions(wanted: int = -1) -> int:
    """Which of :data:`INSTRUCTIONS` is used; a number asks for a lesser one than the best (tests do)."""
    library = load()
    return library.hmlm_instructions(wanted) if library else 0
