"""The packages of the extra ``report``, loaded when a page is written."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from hmlm.types import HmlmError

INSTALL = 'pip install "hmlm[report]"'


def needed(module: str) -> ModuleType:
    """A module of the extra.

    Raises:
        HmlmError: it is not installed; the message says how to get it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise HmlmError(f"a report needs {module}, which is not installed: {INSTALL}") from error
