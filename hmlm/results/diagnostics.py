"""Reasons not to trust the draws yet, in plain words that say what to do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hmlm.results.approximation import check_approximation
from hmlm.results.convergence import MIN_DRAWS
from hmlm.results.table import labels
from hmlm.types import SamplingWarning

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

MAX_RHAT = 1.01
MIN_ESS_PER_CHAIN = 100
MAX_SATURATED = 0.01
NAMED = 3


def check(fit: Fit) -> tuple[str, ...]:
    """One message per kind of problem; empty if none was found. Independent draws need no convergence."""
    rules = (_not_finite, check_approximation) if fit.info.of_prior or fit.info.approximate else RULES
    return tuple(message for rule in rules for message in rule(fit))


def warn(fit: Fit) -> None:
    """Issue each message of :func:`check` as a :class:`SamplingWarning`."""
    for message in fit.problems:
        warnings.warn(message, SamplingWarning, stacklevel=2)


def _too_few(fit: Fit) -> Iterator[str]:
    n_draws = fit.values.shape[2]
    if n_draws < MIN_DRAWS:
        yield f"Only {n_draws} draws per chain: R-hat and ESS need {MIN_DRAWS} at least, 1000 are usual."


def _not_finite(fit: Fit) -> Iterator[str]:
    bad = (~np.isfinite(fit.values)).sum(axis=(1, 2))
    if bad.any():
        named = _worst(fit, bad > 0, -bad, [f"{count} draws" for count in bad])
        yield (
            f"Draws that are NaN or infinite: {named}. Look for extreme values in the data, rescale the "
            "columns, and state priors that keep these parameters finite."
        )


def _frozen(fit: Fit) -> Iterator[str]:
    stuck = _stuck(fit.values)
    names = np.array(labels(fit.info.rows), dtype=object)
    for chain in np.flatnonzero(stuck.any(axis=0)):
        named = _listed(list(names[stuck[:, chain]]))
        yield (
            f"Chain {chain + 1} did not move: one single value of {named}. Fit again with another seed and "
            "a longer warm-up; if it freezes again, rescale the columns or state stronger priors."
        )


def _stuck(values: np.ndarray) -> np.ndarray:
    """(P, C) parameters constant within a chain; one that a prior fixes to a value does not count."""
    if values.shape[2] < MIN_DRAWS:
        return np.zeros(values.shape[:2], bool)
    low, high = values.min(axis=2), values.max(axis=2)
    fixed = low.min(axis=1) == high.max(axis=1)
    return (low == high) & ~(fixed & ~fixed.all())[:, None]


def _divergences(fit: Fit) -> Iterator[str]:
    if "diverging" not in fit.sample_stats:
        return
    counts = fit.sample_stats["diverging"].sum("draw").values.astype(int)
    total = fit.sample_stats["diverging"].size
    if counts.sum():
        yield (
            f"{counts.sum()} of {total} draws diverged (by chain: {', '.join(map(str, counts))}): estimates "
            "may be biased. Raise target_accept (0.95, then 0.99), simplify the group-level terms, or state "
            "stronger priors for the sd parameters."
        )


def _rhats(fit: Fit) -> Iterator[str]:
    rhat = fit.convergence.rhat
    bad = rhat > MAX_RHAT
    if bad.any():
        named = _worst(fit, bad, -rhat, [f"{value:.3f}" for value in rhat])
        yield (
            f"R-hat is above {MAX_RHAT} for {_share(bad)}: {named}. The chains do not agree yet: sample "
            "longer (warmup, draws) before using these estimates, or state stronger priors."
        )


def _ess(fit: Fit) -> Iterator[str]:
    least = MIN_ESS_PER_CHAIN * fit.values.shape[1]
    for kind, ess, unsure in (
        ("Bulk", fit.convergence.bulk, "means and medians"),
        ("Tail", fit.convergence.tail, "interval bounds"),
    ):
        bad = ess < least
        if bad.any():
            named = _worst(fit, bad, ess, [f"{value:.0f}" for value in ess])
            yield (
                f"{kind} ESS is below {least} ({MIN_ESS_PER_CHAIN} per chain) for {_share(bad)}: {named}. "
                f"Their {unsure} are imprecise: take more draws."
            )


def _saturated(fit: Fit) -> Iterator[str]:
    if "tree_depth" not in fit.sample_stats:
        return
    limit = fit.info.max_tree_depth
    share = float((fit.sample_stats["tree_depth"] >= limit).mean())
    if share > MAX_SATURATED:
        yield (
            f"{share:.0%} of the draws reached max_tree_depth = {limit}: sampling is slow rather than wrong. "
            f"Rescale the columns, state stronger priors, or raise max_tree_depth to {limit + 2}."
        )


RULES = (_too_few, _not_finite, _frozen, _divergences, _rhats, _ess, _saturated)


def _share(bad: np.ndarray) -> str:
    return f"{bad.sum()} of {len(bad)} parameters"


def _worst(fit: Fit, bad: np.ndarray, order: np.ndarray, texts: Sequence[str]) -> str:
    """The bad parameters, smallest ``order`` first, each with its text."""
    names = labels(fit.info.rows)
    ranked = sorted(np.flatnonzero(bad).tolist(), key=lambda i: order[i])
    return _listed([f"{names[i]} ({texts[i]})" for i in ranked])


def _listed(names: Sequence[str]) -> str:
    """The first few names and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
