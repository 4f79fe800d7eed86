"""Checks of trajectories: divergences, trees that were cut, chains that wait for the longest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hmlm.results.diagnosis.chains import wasted
from hmlm.results.diagnosis.divergent import where_they_are
from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity
from hmlm.results.diagnosis.words import COUNTED, call_text

MAX_SATURATED = 0.01
HIGHER_TARGETS = (0.95, 0.99)
MUCH_WAITING = 0.5


def divergences(evidence: Evidence) -> Iterator[Finding]:
    """Trajectories that left the region where the integrator is stable."""
    diverging = evidence.statistic("diverging")
    if diverging is None:
        return
    counts = diverging.astype(bool).sum(axis=1)
    if not counts.any():
        yield Finding("divergences", Severity.FINE, f"None of {diverging.size} draws diverged.")
        return
    where, prior = where_they_are(evidence, diverging.astype(bool))
    settings = _higher_target(evidence)
    raised = f"Raise target_accept, {call_text(settings)}; if some are left" if settings else "Next"
    stronger = f"state a stronger prior, {prior}" if prior else "state stronger priors for the sd parameters"
    yield Finding(
        "divergences",
        Severity.ERROR,
        f"{counts.sum()} of {diverging.size} draws diverged ({_by_chain(counts)}): estimates may be "
        f"biased.{where}",
        f"{raised}, {stronger}, or simplify the group-level terms.",
        settings,
        chains=tuple((np.flatnonzero(counts) + 1).tolist()),
    )


def _by_chain(counts: np.ndarray) -> str:
    if len(counts) <= COUNTED:
        return f"by chain: {', '.join(map(str, counts))}"
    most = int(counts.argmax())
    return f"in {(counts > 0).sum()} of {len(counts)} chains, the most in chain {most + 1}: {counts[most]}"


def _higher_target(evidence: Evidence) -> dict[str, float]:
    now = evidence.settings.target_accept
    return next(({"target_accept": higher} for higher in HIGHER_TARGETS if higher > now), {})


def saturated(evidence: Evidence) -> Iterator[Finding]:
    """Trees that were cut at the greatest depth."""
    depth = evidence.statistic("tree_depth")
    if depth is None:
        return
    limit = evidence.fit.info.max_tree_depth
    share = float((depth >= limit).mean())
    if share <= MAX_SATURATED:
        reached = f"{share:.1%} of the draws" if share else "no draw"
        message = f"Tree depth: at most {int(depth.max())}; {reached} reached the limit of {limit}."
        yield Finding("saturated", Severity.FINE, message)
        return
    settings = {"max_tree_depth": limit + 2}
    yield Finding(
        "saturated",
        Severity.WARNING,
        f"{share:.0%} of the draws reached max_tree_depth = {limit}: sampling is slow rather than wrong.",
        f"Rescale the columns, state stronger priors, or raise it: {call_text(settings)}.",
        settings,
    )


def waiting(evidence: Evidence) -> Iterator[Finding]:
    """Leapfrogs that chains of one device waited for."""
    share = wasted(evidence.fit)
    if share is None or evidence.fit.info.together < 2:
        return
    mean = float(share.mean())
    text = f"Chains that advance together waited for the longest trajectory among them {mean:.0%} of the time"
    if mean <= MUCH_WAITING:
        yield Finding("waiting", Severity.FINE, f"{text}.")
        return
    settings = {"algorithm": "chees"}
    yield Finding(
        "waiting",
        Severity.NOTE,
        f"{text}: the draws are right, the time was spent for nothing.",
        f"One length of trajectory for all chains, {call_text(settings)}, or fewer chains.",
        settings,
    )
