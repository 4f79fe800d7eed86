"""Whether the chains agree, and if not why: other places, warm-up that was too short, or slow mixing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hmlm.results.diagnosis.drift import drifting
from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity
from hmlm.results.diagnosis.modes import Apart, apart
from hmlm.results.diagnosis.words import call_text, chains_text, listed, share, value_text

MAX_RHAT = 1.01
LARGE = 1000
FAR_RHAT = 1.1  # beyond it, longer chains of the same kind are not the first thing to try
AFTER_FROZEN = "First every chain has to move: see those that did not."
LOWER = 3.0  # standard deviations of the log density, below which a place is hardly a mode that counts


def agreement(evidence: Evidence) -> Iterator[Finding]:
    """R-hat, with the cause of a large one; drift is looked for where R-hat is small too."""
    rhat = evidence.convergence.rhat
    bad = rhat > MAX_RHAT
    worst, texts = (
        evidence.ranked(bad, -rhat),
        [f"{value:.3f}" if value < LARGE else f"{value:.0e}" for value in rhat],
    )
    if worst:
        message = f"{_name(evidence)} is above {MAX_RHAT} for {share(bad)}: {evidence.named(worst, texts)}."
        yield _explained(evidence, message, worst)
    elif np.isfinite(rhat).any():
        most = int(np.nanargmax(rhat))
        yield Finding(
            "rhat",
            Severity.FINE,
            f"{_name(evidence)}, which compares the chains and is 1 when they agree: at most "
            f"{rhat[most]:.3f} ({evidence.labels[most]}); up to {MAX_RHAT} is good.",
            parameters=evidence.variables([most]),
        )
    if not worst:
        yield from _drift(evidence)


def _name(evidence: Evidence) -> str:
    return "Nested R-hat" if evidence.nested else "R-hat"


def _explained(evidence: Evidence, message: str, worst: list[int]) -> Finding:
    parameters = evidence.variables(worst)
    if evidence.stuck[worst[0]].any():
        return Finding("rhat", Severity.ERROR, message, AFTER_FROZEN, parameters=parameters)
    found = apart(evidence.values[worst]) if evidence.convergence.rhat[worst[0]] > FAR_RHAT else None
    if found is not None:
        return _elsewhere(evidence, message, worst[found.position], found, parameters)
    drifts = drifting(evidence.values[worst])
    if drifts.any():
        first = worst[int(np.flatnonzero(drifts)[0])]
        return _warming(evidence, f"{message} {_moves(evidence, first)}", parameters)
    settings = {**evidence.longer_warmup, "draws": 2 * evidence.n_draws * evidence.settings.thin}
    return Finding(
        "rhat",
        Severity.ERROR,
        message,
        f"The chains do not agree yet: sample longer before using these estimates, {call_text(settings)}, or "
        "state stronger priors.",
        settings,
        parameters,
    )


def _elsewhere(
    evidence: Evidence, message: str, position: int, found: Apart, parameters: tuple[str, ...]
) -> Finding:
    """Some chains stay in a place that the others do not visit."""
    chains = tuple(c + 1 for c in found.chains)
    drop = _drop(evidence, np.array(found.chains))
    seed = {"seed": evidence.fit.info.seed + 1}
    text = (
        f"{message} {chains_text(chains).capitalize()} stayed elsewhere: {evidence.labels[position]} is "
        f"about {value_text(found.there)} there and {value_text(found.elsewhere)} in the others"
    )
    if drop is not None and drop > LOWER:
        why = f", where the log density is lower by {drop:.1f} of its standard deviations: stuck rather than "
        advice = (
            f"Fit again with another seed, {call_text(seed)}; if chains are stuck there again, state "
            "stronger priors or rescale the columns."
        )
        return Finding("modes", Severity.ERROR, f"{text}{why}at home.", advice, seed, parameters, chains)
    advice = (
        "The posterior may have several modes, and how often chains visit each says nothing of their weight: "
        "state priors or bounds that rule one out (hm.prior(..., lb=0)), simplify the model; to see whether "
        f"it comes again, {call_text(seed)}."
    )
    return Finding("modes", Severity.ERROR, f"{text}.", advice, seed, parameters, chains)


def _drop(evidence: Evidence, there: np.ndarray) -> float | None:
    """How much lower the log density is in these chains, in standard deviations within the others."""
    lp = evidence.statistic("lp")
    if lp is None:
        return None
    others = np.delete(lp, there, axis=0)
    spread = np.sqrt(others.var(axis=1).mean())
    return float((others.mean() - lp[there].mean()) / spread) if spread > 0 else None


def _drift(evidence: Evidence) -> Iterator[Finding]:
    """A common drift, of which R-hat between chains knows nothing."""
    usable = np.flatnonzero(evidence.varies)
    moving = usable[drifting(evidence.values[usable])].tolist()
    if moving:
        more = f" Others that do: {listed([evidence.labels[i] for i in moving[1:]])}." if moving[1:] else ""
        yield _warming(evidence, _moves(evidence, moving[0]) + more, evidence.variables(moving))


def _moves(evidence: Evidence, position: int) -> str:
    half = evidence.n_draws // 2
    values = evidence.values[position]
    first, second = values[:, :half].mean(), values[:, -half:].mean()
    return (
        f"{evidence.labels[position]} still moves, in all chains the same way: its mean is "
        f"{value_text(first)} in the first half of the draws and {value_text(second)} in the second."
    )


def _warming(evidence: Evidence, message: str, parameters: tuple[str, ...]) -> Finding:
    settings = evidence.longer_warmup
    return Finding(
        "drift",
        Severity.ERROR,
        message,
        f"The warm-up of {evidence.fit.info.warmup} draws was too short: {call_text(settings)}.",
        settings,
        parameters,
    )
