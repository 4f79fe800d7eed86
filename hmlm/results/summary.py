"""``fit.summary()``, ``fit.fixef()`` and ``fit.draws()``: the parameters as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from hmlm.results.approximation import check_is_sampled, shown
from hmlm.results.convergence import convergence
from hmlm.results.effects import scalars
from hmlm.results.table import estimates, labels, rounded, seconds_of, table

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


def summary(
    fit: Fit,
    prob: float = 0.95,
    digits: int | None = None,
    *,
    variable: bool = False,
    ess_per_second: bool = False,
    effects: bool = False,
) -> pd.DataFrame:
    """Estimate, error, equal-tailed interval, R-hat and ESS of each parameter, as brms prints them.

    Of approximations no R-hat and ESS, of a mode nothing but the estimate.

    Args:
        prob: probability of the interval.
        digits: decimals to round to; None does not round.
        variable: add the draw's name as a column, ``sd_id__Intercept``.
        ess_per_second: add bulk ESS per second of the whole run, compilation and warm-up included.
        effects: add a row per group effect, ``r_id[1,Intercept]``.
    """
    frame = table(fit.values, labels(fit.info.rows), fit.convergence, prob)
    names = [row.variable for row in fit.info.rows]
    if effects and fit.effects:
        extra = _effects_table(fit, prob)
        frame, names = pd.concat([frame, extra]), [*names, *extra.index]
    if ess_per_second:
        check_is_sampled(fit.info, "ess_per_second=True")
        frame["ESS/s"] = frame["Bulk_ESS"] / seconds_of(fit.info)
    if digits is not None:
        frame = rounded(frame, digits)
    if variable:
        frame.insert(0, "variable", names)
    return shown(fit.info, frame)


def fixef(fit: Fit, prob: float = 0.95) -> pd.DataFrame:
    """Population-level coefficients: estimate, error and interval; of a mode the estimate."""
    chosen = [row.section == "population" for row in fit.info.rows]
    names = [row.label for row in fit.info.rows if row.section == "population"]
    return shown(fit.info, pd.DataFrame(estimates(fit.values[chosen], prob), index=names))


def draws(fit: Fit) -> pd.DataFrame:
    """The summary's parameters, a column each, a row per chain and draw."""
    return fit.posterior[[row.variable for row in fit.info.rows]].to_dataframe()


def _effects_table(fit: Fit, prob: float) -> pd.DataFrame:
    names, values = scalars(fit.effects)
    return table(values, names, convergence(values, fit.info.superchains), prob)
