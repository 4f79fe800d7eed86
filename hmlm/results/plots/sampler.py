"""Which parameters a plot of the sampler shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmlm.results.plots.choose import matching
from hmlm.results.table import labels

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

WORST = 6


def shown_parameters(fit: Fit, regex: str | None) -> tuple[list[int], str]:
    """Positions in ``fit.values``, and a note that says which they are.

    Without a regex those with the smallest effective sample size, the worst first.
    """
    if regex is not None:
        return matching(fit.info.rows, regex), ""
    order = np.argsort(np.nan_to_num(fit.convergence.bulk, nan=-1), kind="stable")
    n = min(WORST, len(order))
    if n == len(order):
        return list(range(n)), ""
    return [int(i) for i in order[:n]], f"The {n} of {len(order)} parameters with the smallest bulk ESS."


def parameter_title(fit: Fit, position: int) -> str:
    """``"sd(day)"``, and below it ``"R-hat 1.00, bulk ESS 2301"``."""
    name = labels(fit.info.rows)[position]
    rhat, ess = fit.convergence.rhat[position], fit.convergence.bulk[position]
    return f"{name}\nR-hat {rhat:.2f}, bulk ESS {ess:.0f}"
