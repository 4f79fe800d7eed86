"""Whether there are enough effective draws."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hmlm.results.diagnosis.agreement import FAR_RHAT
from hmlm.results.diagnosis.correlation import strongest_partner
from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity
from hmlm.results.diagnosis.words import call_text, rounded_up, share

MIN_ESS, MIN_ESS_PER_CHAIN = 400, 100
AFTER = "First the chains have to agree, see R-hat."
MANY_TIMES = 10  # as many draws: then something else is to be tried first


def least_ess(chains: int) -> int:
    """The effective sample size that is asked for: 100 per chain, 400 at most however many chains there are.

    400 make Monte-Carlo errors a twentieth of the posterior's standard deviation and their own estimates
    good (Vehtari et al. 2021, doi:10.1214/20-BA1221, for four chains). It is the total that counts: 512
    chains of 20 draws need no 51 200.
    """
    return min(MIN_ESS_PER_CHAIN * chains, MIN_ESS)


def precision(evidence: Evidence) -> Iterator[Finding]:
    """Bulk and tail effective sample sizes."""
    found = evidence.convergence
    for kind, ess, use in (
        ("bulk", found.bulk, "means and medians"),
        ("tail", found.tail, "interval bounds"),
    ):
        if np.isfinite(ess).any():
            yield _precision(evidence, kind, ess, use)


def _precision(evidence: Evidence, kind: str, ess: np.ndarray, use: str) -> Finding:
    least = least_ess(evidence.n_chains)
    bad = ess < least
    worst, texts = evidence.ranked(bad, ess), [f"{value:.0f}" for value in ess]
    if not worst:
        lowest = int(np.nanargmin(ess))
        return Finding(
            f"ess-{kind}",
            Severity.FINE,
            f"{kind.capitalize()} ESS (for {use}): at least {texts[lowest]} ({evidence.labels[lowest]}) of "
            f"{evidence.n_chains * evidence.n_draws} draws; {least} or more is good.",
            parameters=evidence.variables([lowest]),
        )
    times = least / ess[worst[0]]
    settings = {"draws": rounded_up(times * evidence.n_draws) * evidence.settings.thin}
    disagree = evidence.convergence.rhat[worst[0]] > FAR_RHAT
    return Finding(
        f"ess-{kind}",
        Severity.WARNING,
        f"{kind.capitalize()} ESS is below {least} for {share(bad)}: {evidence.named(worst, texts)}. "
        f"{use.capitalize()} are imprecise.",
        AFTER if disagree else _advice(evidence, worst[0], times, call_text(settings)),
        {} if disagree else settings,
        evidence.variables(worst),
    )


def _advice(evidence: Evidence, worst: int, times: float, call: str) -> str:
    more = f"{times:.1f} times as many draws would do: {call}."
    if times < MANY_TIMES:
        return more
    partner = strongest_partner(evidence, worst)
    slow = f", which moves with {evidence.labels[partner]}," if partner is not None else ""
    first = f"Stronger priors for {evidence.labels[worst]}{slow} or a simpler model come first"
    return f"{first}; by brute force {more}"
