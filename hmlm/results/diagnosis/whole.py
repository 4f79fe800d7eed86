"""Checks of the draws as they are: enough of them, finite, moving, of more than one chain."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hmlm.infer.superchains import MANY_CHAINS
from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity
from hmlm.results.diagnosis.words import call_text, chains_text, listed
from hmlm.results.nested import MIN_DRAWS

USUAL_DRAWS, USUAL_CHAINS = 1000, 4


def too_few(evidence: Evidence) -> Iterator[Finding]:
    """Fewer draws per chain than any diagnostic needs."""
    if evidence.n_draws < MIN_DRAWS:
        settings = {"draws": USUAL_DRAWS}
        yield Finding(
            "few-draws",
            Severity.WARNING,
            f"Only {evidence.n_draws} draws per chain: R-hat and ESS need {MIN_DRAWS} at least.",
            f"1000 are usual: {call_text(settings)}.",
            settings,
        )


def not_finite(evidence: Evidence) -> Iterator[Finding]:
    """Draws that are no numbers."""
    counts = (~np.isfinite(evidence.values)).sum(axis=(1, 2))
    if not counts.any():
        yield Finding("not-finite", Severity.FINE, "All draws are finite.")
        return
    worst = evidence.ranked(counts > 0, -counts)
    yield Finding(
        "not-finite",
        Severity.ERROR,
        f"Draws that are NaN or infinite: {evidence.named(worst, [f'{n} draws' for n in counts])}.",
        "Look for extreme values in the data, rescale the columns, and state priors that keep these "
        "parameters finite.",
        parameters=evidence.variables(worst),
    )


def frozen(evidence: Evidence) -> Iterator[Finding]:
    """Chains in which a parameter has one single value."""
    if not evidence.stuck.any():
        yield Finding("frozen", Severity.FINE, "Every chain moved.")
        return
    chains = np.flatnonzero(evidence.stuck.any(axis=0)) + 1
    stuck = np.flatnonzero(evidence.stuck.any(axis=1)).tolist()
    settings = {"seed": evidence.fit.info.seed + 1, **evidence.longer_warmup}
    yield Finding(
        "frozen",
        Severity.ERROR,
        f"{chains_text(chains).capitalize()} did not move: one single value of "
        f"{listed([evidence.labels[i] for i in stuck])}.",
        f"Fit again with another seed and a longer warm-up: {call_text(settings)}; if it freezes again, "
        "rescale the columns or state stronger priors.",
        settings,
        evidence.variables(stuck),
        tuple(chains.tolist()),
    )


def interrupted(evidence: Evidence) -> Iterator[Finding]:
    """A run that was stopped."""
    if evidence.fit.info.interrupted:
        asked = f" of {evidence.settings.draws}" if evidence.fit.statement is not None else ""
        yield Finding(
            "interrupted",
            Severity.NOTE,
            f"The run was interrupted after {evidence.n_draws}{asked} draws per chain.",
            f"What is there can be used where the checks allow; for all of it {call_text({})}.",
        )


def alone(evidence: Evidence) -> Iterator[Finding]:
    """One chain, which nothing can be compared with."""
    if evidence.n_chains == 1:
        settings = {"chains": USUAL_CHAINS}
        yield Finding(
            "one-chain",
            Severity.NOTE,
            "One chain: R-hat can only compare its halves, and nobody sees another mode.",
            f"Run several: {call_text(settings)}.",
            settings,
        )


def own_starts(evidence: Evidence) -> Iterator[Finding]:
    """Many chains that do not form superchains: their R-hat is as noisy as their length makes it."""
    if evidence.n_chains >= MANY_CHAINS and not evidence.nested:
        yield Finding(
            "own-starts",
            Severity.NOTE,
            f"{evidence.n_chains} chains that each had a starting point of their own: R-hat on split chains "
            f"exceeds 1.01 where {evidence.n_draws} draws are worth less than about 100, converged or not.",
            "If some chains started together, fit.nested_rhat(superchains=[...]) tells noise from starts.",
        )
