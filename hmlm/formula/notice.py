"""Warnings about data that point at the user's line, not at ours."""

from __future__ import annotations

import sys
import warnings

from hmlm.types import DataWarning


def notice(message: str) -> None:
    """Warn with :class:`hmlm.types.DataWarning` from the first caller outside the package."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_ours(frame.f_globals):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, DataWarning, stacklevel=depth)


def _is_ours(scope: dict) -> bool:
    return str(scope.get("__name__", "")).partition(".")[0] == "hmlm"
