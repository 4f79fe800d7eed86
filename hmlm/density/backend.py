"""Who computes the likelihood kernels: XLA anywhere, C++ on a CPU, Mosaic on a GPU."""

from __future__ import annotations

import enum

import jax

from hmlm.kernels import pallas
from hmlm.kernels.native.library import INSTRUCTIONS, available, instructions, missing
from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError

AUTO = "auto"


class Backend(enum.Enum):
    """An implementation of the kernels; all compute the same."""

    XLA = "xla"
    NATIVE = "native"
    PALLAS = "pallas"


CHOICES = (AUTO, *(backend.value for backend in Backend))


def choose_backend(asked: str) -> Backend:
    """The backend of a choice; ``"auto"`` is native where JAX runs on a CPU and kernels were compiled.

    ``"pallas"`` must be asked for: these kernels were compiled for GPUs and compared interpreted on a CPU,
    but never run on a GPU.

    Raises:
        HmlmError: an unknown choice, or kernels that this machine cannot run.
    """
    if asked not in CHOICES:
        hint = did_you_mean(str(asked), CHOICES)
        raise HmlmError(f"kernels={asked!r} is unknown; choose one of {', '.join(CHOICES)}{hint}")
    if asked == Backend.PALLAS.value:
        return _pallas()
    if asked == Backend.XLA.value or (asked == AUTO and jax.default_backend() != "cpu"):
        return Backend.XLA
    reason = missing()
    if reason is None:
        return Backend.NATIVE
    if asked == AUTO:
        return Backend.XLA
    raise HmlmError(
        f"kernels='native', but the native kernels {reason}; leave kernels='auto', or install hmlm again "
        "where there is a C++ compiler"
    )


def native_instructions() -> str | None:
    """The instruction set that the native kernels use, None where there are no such kernels."""
    return INSTRUCTIONS[instructions()] if available() else None


def native_missing() -> str | None:
    """Why there are no native kernels, None where there are."""
    return missing()


def _pallas() -> Backend:
    reason = pallas.missing()
    if reason is not None:
        raise HmlmError(f"kernels='pallas' needs an NVIDIA GPU, Hopper or newer, but {reason}")
    return Backend.PALLAS
