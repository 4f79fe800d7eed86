"""``fit.diagnose()``: everything that was checked, the worst first, as text and as values."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from hmlm.results.diagnosis.finding import Finding, Severity

WIDTH = 100
NO_PROBLEM = "No problem was found: these draws can be used."


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What is known of the draws; ``print`` it, or read the findings.

    Attributes:
        findings: one or more per check, in order of importance; those that are fine come last.
    """

    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What speaks against using the draws: errors, then warnings."""
        return tuple(found for found in self.findings if found.severity <= Severity.WARNING)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What is good to know and no reason to distrust the draws."""
        return tuple(found for found in self.findings if found.severity == Severity.NOTE)

    @property
    def fine(self) -> tuple[Finding, ...]:
        """What was checked and is fine."""
        return tuple(found for found in self.findings if found.severity == Severity.FINE)

    @property
    def good(self) -> bool:
        """Whether nothing speaks against the draws."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """One sentence."""
        n = len(self.problems)
        if not n:
            return NO_PROBLEM
        found = "One problem was found" if n == 1 else f"{n} problems were found"
        return f"{found}; before these estimates are used, try what is said first."

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.verdict
        for heading, findings in (("Problems", self.problems), ("Notes", self.notes)):
            if findings:
                yield f"\n{heading}"
            for number, found in enumerate(findings, start=1):
                yield from _numbered(number, found)
        if self.fine:
            yield "\nFine"
            yield from (_filled(found.message, "  - ", "    ") for found in self.fine)


def _numbered(number: int, found: Finding) -> Iterator[str]:
    indent = " " * 5
    yield _filled(found.message, f"  {number}. ", indent)
    if found.advice:
        yield _filled(f"Try: {found.advice}", indent, indent + " " * 5)


def _filled(text: str, first: str, rest: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )
