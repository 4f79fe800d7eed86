"""Standard deviations that the data do not tell from zero."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity
from hmlm.results.diagnosis.prior_call import flat_sds, prior_call
from hmlm.results.diagnosis.words import listed

KINDS = ("sd_", "sds_")
SMALL = 0.12  # 5 % quantile over median: half-normal 0.09, exponential 0.07, gamma(2) 0.21


def sd_positions(evidence: Evidence) -> list[int]:
    """Standard deviations of group effects and of smooth functions."""
    return [i for i, row in enumerate(evidence.rows) if row.variable.startswith(KINDS)]


def at_zero(evidence: Evidence) -> list[int]:
    """Those with their highest density at or near zero."""
    positions = [i for i in sd_positions(evidence) if evidence.varies[i]]
    if not positions:
        return []
    low, median = np.quantile(evidence.values[positions], [0.05, 0.5], axis=(1, 2))
    return [i for i, small in zip(positions, (low >= 0) & (low < SMALL * median), strict=True) if small]


def boundary(evidence: Evidence) -> Iterator[Finding]:
    """Standard deviations whose draws pile up at zero."""
    found = at_zero(evidence)
    if not found:
        if sd_positions(evidence):
            yield Finding("boundary", Severity.FINE, "Every standard deviation is told from zero.")
        return
    flat = flat_sds(evidence.fit) & set(evidence.variables(found))
    prior = f" (the prior of {listed(sorted(flat))} is flat)" if flat else ""
    yield Finding(
        "boundary",
        Severity.NOTE,
        f"The draws of {listed([evidence.labels[i] for i in found])} pile up at zero: the data do not tell "
        f"{'it' if len(found) == 1 else 'them'} from no variation{prior}.",
        f"A prior of the scale that you expect settles it, {prior_call(evidence.fit, found[0])}; or leave "
        "the term out.",
        parameters=evidence.variables(found),
    )
