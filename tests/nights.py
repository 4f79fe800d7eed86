"""Which cases of a test every run takes: the rest belong to the night, their code is that of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def by_night(cases: Iterable[Any], *often: Any) -> Collection[Any]:
    """The cases, those that are not ``often`` run marked ``nightly``."""
    cases = list(cases)
    if unknown := [case for case in often if case not in cases]:
        raise ValueError(f"{unknown} are not among {cases}")
    return [case if case in often else pytest.param(case, marks=pytest.mark.nightly) for case in cases]
