"""Whether the step size of each chain settled, and where the others' did."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity
from hmlm.results.diagnosis.words import COUNTED, call_text, chains_text, listed, numbers_text

MISSED = 0.15  # acceptance below its target
SMALLER = 5  # times smaller a chain's step than the others'


def tuning(evidence: Evidence) -> Iterator[Finding]:
    """Chains whose step size did not settle, or settled far below the others'."""
    if not evidence.is_nuts:
        return
    settings = evidence.longer_warmup
    rate, step = evidence.statistic("acceptance_rate"), evidence.statistic("step_size")
    if rate is not None:
        target, mean = evidence.settings.target_accept, rate.mean(axis=1)
        yield from _missed(mean, target, settings)
    if step is not None:
        yield from _small_steps(np.median(step, axis=1), settings)


def _missed(mean: np.ndarray, target: float, settings: dict[str, int]) -> Iterator[Finding]:
    low = np.flatnonzero(mean < target - MISSED)
    if not low.size:
        text = f"Acceptance rate: {mean.min():.2f} to {mean.max():.2f}, for a target of {target:g}."
        yield Finding("acceptance", Severity.FINE, text)
        return
    chains = tuple((low + 1).tolist())
    yield Finding(
        "acceptance",
        Severity.NOTE,
        f"The acceptance rate of {chains_text(chains)} is {numbers_text(mean[low])}, the target was "
        f"{target:g}: the step size had not settled.",
        f"A longer warm-up, {call_text(settings)}.",
        settings,
        chains=chains,
    )


def _small_steps(steps: np.ndarray, settings: dict[str, int]) -> Iterator[Finding]:
    usual = float(np.median(steps))
    low = np.flatnonzero(steps * SMALLER < usual)
    if not low.size:
        text = f"Step size: {steps.min():.3g} to {steps.max():.3g} over the chains."
        yield Finding("step-size", Severity.FINE, text)
        return
    chains, small = tuple((low + 1).tolist()), listed([f"{size:.2g}" for size in steps[low]], COUNTED)
    yield Finding(
        "step-size",
        Severity.NOTE,
        f"The step size of {chains_text(chains)} is {small}, that of most chains {usual:.2g}: tuned in a "
        "place that is harder than the rest.",
        f"A longer warm-up, {call_text(settings)}.",
        settings,
        chains=chains,
    )
