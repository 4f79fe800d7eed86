"""Whether the sampler explores the energies that the posterior has: it does not where tails are heavy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import rankdata

from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity
from hmlm.results.diagnosis.words import call_text, chains_text, numbers_text
from hmlm.results.energies import LOW_BFMI, bfmi, pooled_bfmi

FEWEST_DRAWS = 100  # of a chain; the E-BFMI of shorter ones is mostly noise, that of all together is not
MOVES_WITH = 0.3  # rank correlation of a parameter with the energy


def energies(evidence: Evidence) -> Iterator[Finding]:
    """E-BFMI of each chain, of short ones together."""
    energy = evidence.statistic("energy")
    if energy is None or evidence.keeps_momentum:
        return
    found = bfmi(energy) if evidence.n_draws >= FEWEST_DRAWS else pooled_bfmi(energy)
    if not np.isfinite(found).any():
        return
    if (found < LOW_BFMI).any():
        yield _low(evidence, found, _of_the_energy(evidence, energy))
        return
    yield Finding(
        "energy",
        Severity.FINE,
        f"E-BFMI, how well energies are explored: at least {np.nanmin(found):.2f}; {LOW_BFMI} or more is "
        "good.",
    )


def _low(evidence: Evidence, found: np.ndarray, driver: int | None) -> Finding:
    each = len(found) == evidence.n_chains
    chains = tuple((np.flatnonzero(found < LOW_BFMI) + 1).tolist()) if each else ()
    where = chains_text(chains) if each else "all chains together"
    settings = evidence.longer_warmup
    known = driver is not None
    named = f"; the energy moves with {evidence.labels[driver]}" if known else ""
    target = evidence.labels[driver] if known else "the parameters with the widest posteriors"
    return Finding(
        "energy",
        Severity.WARNING,
        f"E-BFMI is below {LOW_BFMI} in {where} ({numbers_text(found[found < LOW_BFMI])}): the "
        f"tails are heavy, and the sampler moves through energies slowly{named}.",
        f"State a prior with lighter tails for {target} (normal rather than student_t or flat); if the "
        f"chains may not have been tuned, {call_text(settings)}.",
        settings,
        evidence.variables([driver]) if known else (),
        chains,
    )


def _of_the_energy(evidence: Evidence, energy: np.ndarray) -> int | None:
    """The parameter whose ranks go with the energy's."""
    usable = np.flatnonzero(evidence.varies)
    if not usable.size or energy.size != evidence.values[0].size:
        return None
    own = rankdata(energy)
    r = np.abs([np.corrcoef(own, rankdata(evidence.values[i]))[0, 1] for i in usable])
    return int(usable[r.argmax()]) if r.max() > MOVES_WITH else None
