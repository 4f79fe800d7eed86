"""Whether the draws can be trusted: every check, what it found, and what to try next.

A check is a function of :class:`Evidence` that yields findings; it yields none where the sampler left no
statistic of that kind.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hmlm.results.diagnosis.agreement import agreement
from hmlm.results.diagnosis.approximated import approximated
from hmlm.results.diagnosis.boundary import boundary
from hmlm.results.diagnosis.correlation import correlated
from hmlm.results.diagnosis.diagnosis import Diagnosis
from hmlm.results.diagnosis.energy import energies
from hmlm.results.diagnosis.evidence import Evidence
from hmlm.results.diagnosis.finding import Finding, Severity
from hmlm.results.diagnosis.precision import precision
from hmlm.results.diagnosis.trajectories import divergences, saturated, waiting
from hmlm.results.diagnosis.tuning import tuning
from hmlm.results.diagnosis.whole import alone, frozen, interrupted, not_finite, own_starts, too_few
from hmlm.types import SamplingWarning

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

__all__ = ["Diagnosis", "Finding", "Severity", "check", "diagnose", "warn"]

OF_INDEPENDENT_DRAWS = (not_finite, approximated)
PROBLEMS = (too_few, not_finite, frozen, divergences, agreement, precision, energies, saturated)
NOTES = (interrupted, alone, own_starts, tuning, boundary, correlated, waiting)


def diagnose(fit: Fit) -> Diagnosis:
    """Check everything that is known of the draws: what is wrong, and the next thing to try.

    ``print`` it; or read ``fit.diagnose().problems``, each with ``code``, ``severity``, ``message``,
    ``advice``, ``parameters``, ``chains`` and ``settings``: ``fit.update(**problem.settings)`` does what it
    advises. Independent draws are only checked for being finite, and an approximation for how near it is.

    References:
        Vehtari et al. (2021), doi:10.1214/20-BA1221: R-hat and ESS
        Margossian et al. (2024), doi:10.1214/24-BA1453: nested R-hat of many chains
        Betancourt (2016), arXiv:1604.00695: E-BFMI
        Betancourt (2017), arXiv:1701.02434: divergences
    """
    return Diagnosis(_findings(fit, (*PROBLEMS, *NOTES)))


def check(fit: Fit) -> tuple[str, ...]:
    """One message per problem, with what to try; empty if none was found."""
    return tuple(str(found) for found in _findings(fit, PROBLEMS) if found.severity <= Severity.WARNING)


def warn(fit: Fit) -> None:
    """Issue each message of :func:`check` as a :class:`SamplingWarning`."""
    for message in fit.problems:
        warnings.warn(message, SamplingWarning, stacklevel=2)


def _findings(fit: Fit, checks: Iterable) -> tuple[Finding, ...]:
    """In order of severity, those of one severity in the order of the checks."""
    evidence = Evidence(fit)
    independent = fit.info.of_prior or fit.info.approximate
    chosen = OF_INDEPENDENT_DRAWS if independent else checks
    found = [finding for one in chosen for finding in one(evidence)]
    return tuple(sorted(found, key=lambda finding: finding.severity))
