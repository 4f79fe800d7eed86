"""The kernel backends that are timed next to each other, and how a model is told to use one.

A new backend is one line: its name and the arguments of ``hm.model`` that choose it.
"""

from __future__ import annotations

from collections.abc import Mapping

BACKENDS: Mapping[str, Mapping[str, object]] = {
    "xla": {"kernels": "xla"},
    "native": {"kernels": "native"},
}
