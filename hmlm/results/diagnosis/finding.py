"""One thing that was checked: what was found, and what to try next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """How much a finding matters: the smaller the worse."""

    ERROR = 0  # estimates may be wrong
    WARNING = 1  # estimates are imprecise, or sampling does not do what it should
    NOTE = 2  # good to know
    FINE = 3  # nothing to do


@dataclass(frozen=True)
class Finding:
    """What one check of the draws found.

    Attributes:
        code: of the check, ``"divergences"``, the same in every version.
        severity: how much it matters.
        message: what was found, in words, with its numbers and thresholds.
        advice: the next thing to try; empty where nothing is to be done.
        settings: the same for a program: ``fit.update(**finding.settings)``; empty where no setting helps.
        parameters: draws' names of the parameters it is about, the worst first.
        chains: the chains it is about, counted from 1.
    """

    code: str
    severity: Severity
    message: str
    advice: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    chains: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()
