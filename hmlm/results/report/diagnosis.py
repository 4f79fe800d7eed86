"""Whether the draws can be trusted, in words and numbers, and what to try next where they cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmlm.results.approximation import statement, trust
from hmlm.results.diagnostics import MAX_RHAT, MIN_ESS_PER_CHAIN
from hmlm.results.report.words import count
from hmlm.results.table import labels

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

NO_PROBLEM = (
    "No problem was found: the chains agree, the effective sample sizes are large enough for means and "
    "intervals, and the sampler was never stuck."
)


@dataclass(frozen=True)
class Diagnosis:
    """What is known of the draws.

    Attributes:
        verdict: one sentence.
        facts: a sentence per measure.
        problems: what speaks against the draws, each with what to try next; empty if nothing does.
    """

    verdict: str
    facts: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing speaks against the draws."""
        return not self.problems


def diagnose(fit: Fit) -> Diagnosis:
    """The diagnosis of a fit."""
    problems = fit.problems
    if fit.info.approximate:
        return Diagnosis(statement(fit.info), (trust(fit.info),), problems)
    found = "One problem was found" if len(problems) == 1 else f"{len(problems)} problems were found"
    verdict = f"{found}; before these estimates are used, read what to try next." if problems else NO_PROBLEM
    return Diagnosis(verdict, tuple(_facts(fit)), problems)


def _facts(fit: Fit) -> Iterator[str]:
    names, found = labels(fit.info.rows), fit.convergence
    if np.isfinite(found.rhat).any():
        worst = int(np.nanargmax(found.rhat))
        yield (
            f"R-hat, which compares the chains and is 1 when they agree: at most {found.rhat[worst]:.3f} "
            f"({names[worst]}); up to {MAX_RHAT} is good."
        )
        yield _ess("Bulk", found.bulk, names, fit, "for means and medians")
        yield _ess("Tail", found.tail, names, fit, "for the bounds of intervals")
    yield from _sampler(fit)


def _ess(which: str, values: np.ndarray, names: list[str], fit: Fit, use: str) -> str:
    least = int(np.nanargmin(values))
    wanted = MIN_ESS_PER_CHAIN * fit.values.shape[1]
    return (
        f"{which} effective sample size ({use}): at least {count(round(values[least]))} ({names[least]}) of "
        f"{count(fit.n_draws)} draws; {wanted} or more is good."
    )


def _sampler(fit: Fit) -> Iterator[str]:
    stats = fit.sample_stats
    if "diverging" in stats:
        n = int(stats["diverging"].sum())
        yield f"Divergent transitions: {n or 'none'} of {count(stats['diverging'].size)}."
    if "tree_depth" in stats:
        deepest, limit = int(stats["tree_depth"].max()), fit.info.max_tree_depth
        share = float((stats["tree_depth"] >= limit).mean())
        reached = f"{100 * share:.2g}% of the draws" if share else "no draw"
        yield f"Tree depth: at most {deepest}; {reached} reached the limit of {limit}."
    if "energy" in stats and fit.values.shape[2] > 1:
        from hmlm.results.plots.energy import bfmi  # draws, and so loads matplotlib

        least = float(np.min(bfmi(stats["energy"].transpose("chain", "draw").values)))
        yield f"E-BFMI, how well energies are explored: at least {least:.2f}; 0.3 or more is good."
