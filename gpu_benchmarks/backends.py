"""The kernel backends that are timed next to each other, and how a model is told to use one.

A new backend is one line: its name and the arguments of ``hm.model`` that choose it.
"""

from __future__ import annotations

from collections.abc import Mapping

BACKENDS: Mapping[str, Mapping[str, object]] = {
    "xla": {"kernels": "xla"},
    "native": {"kernels": "native"},
    "pallas": {"kernels": "pallas"},
}


def usable() -> tuple[str, ...]:
    """The backends that this machine runs."""
    return tuple(name for name, chosen in BACKENDS.items() if _runs(**chosen))


def _runs(kernels: str = "auto", **_: object) -> bool:
    from hmlm.density.backend import choose_backend
    from hmlm.types import HmlmError

    try:
        choose_backend(kernels)
    except HmlmError:
        return False
    return True
