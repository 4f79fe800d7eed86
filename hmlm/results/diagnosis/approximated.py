"""Whether an approximation is near the posterior."""

from __future__ import annotations

from collections.abc import Iterator

from hmlm.results.approximation import USABLE, statement, trust
from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity


def approximated(evidence: Evidence) -> Iterator[Finding]:
    """What the approximation is not, and what k-hat says of it."""
    info = evidence.fit.info
    if not info.approximate:
        return
    yield Finding("approximation", Severity.NOTE, statement(info))
    if info.khat is None or info.khat < USABLE:
        yield Finding("k-hat", Severity.FINE, trust(info))
        return
    forced = " They were resampled because resample=True asked for it." if info.resampled else ""
    yield Finding(
        "k-hat",
        Severity.WARNING,
        f"{info.algorithm} is far from the posterior: Pareto k-hat = {info.khat:.2f}, not below {USABLE}. "
        f"Its means may be fair, its intervals are not to be trusted.{forced}",
        "Sample: m.fit().",
    )
