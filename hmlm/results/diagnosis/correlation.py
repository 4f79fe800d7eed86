"""Parameters that can hardly be told apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity
from hmlm.results.diagnosis.words import listed

STRONG = 0.95


def correlated(evidence: Evidence) -> Iterator[Finding]:
    """Pairs of parameters with a posterior correlation beyond 0.95."""
    usable = np.flatnonzero(evidence.varies)
    if len(usable) < 2:
        return
    r = np.corrcoef(_flat(evidence)[usable])
    first, second = np.triu_indices(len(usable), 1)
    strength = np.abs(r[first, second])
    strong = np.argsort(-strength)[: int((strength > STRONG).sum())]
    if not len(strong):
        yield Finding("correlated", Severity.FINE, f"No two parameters correlate beyond {STRONG}.")
        return
    pairs = [(usable[first[k]], usable[second[k]], r[first[k], second[k]]) for k in strong]
    named = [f"{evidence.labels[i]} and {evidence.labels[j]} ({value:.2f})" for i, j, value in pairs]
    yield Finding(
        "correlated",
        Severity.NOTE,
        f"Strongly correlated in the posterior: {listed(named)}. The data hardly tell them apart.",
        "Sampling copes with it, reading them one by one does not: report them together, centre or "
        "orthogonalise the columns, or leave one of two terms that mean nearly the same out.",
        parameters=tuple(dict.fromkeys(evidence.variables([i for pair in pairs for i in pair[:2]]))),
    )


def strongest_partner(evidence: Evidence, position: int) -> int | None:
    """The parameter that moves with this one, if its correlation is beyond 0.95."""
    usable = np.flatnonzero(evidence.varies & (np.arange(len(evidence.values)) != position))
    if not len(usable):
        return None
    flat = _flat(evidence)
    own = flat[position] - flat[position].mean()
    others = flat[usable] - flat[usable].mean(axis=1, keepdims=True)
    r = np.abs(others @ own) / np.sqrt((others**2).sum(axis=1) * (own**2).sum())
    return int(usable[r.argmax()]) if r.max() > STRONG else None


def _flat(evidence: Evidence) -> np.ndarray:
    return evidence.values.reshape(len(evidence.values), -1)
