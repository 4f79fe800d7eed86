"""Leave-one-out by importance sampling, of rows and of whole groups; WAIC.

The draws stand for the posterior without row i once weighted by 1 / p(y_i | theta), their tail smoothed by a
generalised Pareto distribution (PSIS). Rows come a block at a time, and only their results are kept.

References:
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4
    Merkle, Furr & Rabe-Hesketh (2019), doi:10.1007/s11336-019-09679-0: groups and the integrated likelihood
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from hmlm.results.approximation import check_has_draws
from hmlm.results.elpd import ROW, Elpd
from hmlm.types import ComparisonWarning, HmlmError

if TYPE_CHECKING:
    from hmlm.density.row_blocks import RowBlock
    from hmlm.results.fit import Fit

NUMBERS_AT_A_TIME = 2**23  # rows x draws in memory

Terms = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def loo(fit: Fit, group: str | None = None, *, samples: int = 50) -> Elpd:
    """Expected log density of a new row, or of all rows of a new level, by leave-one-out (PSIS).

    ``elpd_loo = sum_i log p(y_i | y_-i)``. By row a left-out row keeps its group's effects, estimated
    from the group's other rows: how well the model predicts new rows of known people. By group a level's
    rows are left out together and its effects integrated out: how well it predicts new people. Rows are
    read a block at a time.

    Args:
        group: a grouping factor whose levels are left out whole; None leaves out rows.
        samples: of :meth:`Fit.log_lik`, where effects on a scale are integrated out.

    Warns:
        ComparisonWarning: k-hat is too high for some rows or levels; the message says what to try.

    Raises:
        HmlmError: an unknown factor, or a fit of a file that holds no model.
    """
    r_eff = relative_efficiency(fit)
    terms = lambda log_lik: psis_terms(log_lik, r_eff)  # noqa: E731
    return _warned(_elpd(fit, "loo", group, samples, terms))


def waic(fit: Fit, group: str | None = None, *, samples: int = 50) -> Elpd:
    """The widely applicable information criterion; arguments as :func:`loo`, which is to be preferred.

    References:
        Watanabe (2010), Journal of Machine Learning Research 11, 3571
    """
    return _warned(_elpd(fit, "waic", group, samples, waic_terms))


def psis_terms(log_lik: np.ndarray, r_eff: float) -> Terms:
    """(n,) elpd, p and k-hat from (n, S) log likelihoods."""
    from arviz_stats.base import array_stats  # takes a second, and most fits never need it

    elpd, khat, p = array_stats.loo(log_lik[:, None, :], r_eff=r_eff)
    return np.asarray(elpd), np.asarray(p), np.asarray(khat)


def waic_terms(log_lik: np.ndarray) -> Terms:
    """(n,) elpd and p from (n, S) log likelihoods: p is their posterior variance."""
    p = log_lik.var(axis=1, ddof=1)
    return logsumexp(log_lik, axis=1) - np.log(log_lik.shape[1]) - p, p, None


def relative_efficiency(fit: Fit) -> float:
    """Mean effective sample size of the parameters over the number of draws, at most one."""
    ess = fit.convergence.bulk
    known = ess[np.isfinite(ess)]
    n_draws = fit.n_draws
    return float(min(known.mean() / n_draws, 1.0)) if len(known) else 1.0


def n_parameters(fit: Fit, group: str | None) -> int:
    """Free numbers: population-level ones, and unless groups are left out whole their effects."""
    effects = sum(block.size * fit.spec.factors[block.factor].n_levels for block in fit.spec.blocks)
    return len(fit.info.rows) + (effects if group is None else 0)


def _elpd(fit: Fit, method: str, group: str | None, samples: int, terms: Callable[..., Terms]) -> Elpd:
    if group is None:
        elpd, p, khat = _joined([terms(block.log_lik) for block in blocks_of(fit, cdf=False)])
        unit, labels = ROW, fit.observed["row"].values
    else:
        log_lik = fit.log_lik(group, samples)
        elpd, p, khat = terms(log_lik.values.reshape(-1, log_lik.sizes[group]).T)
        unit, labels = group, log_lik[group].values
    n_draws = fit.n_draws
    return Elpd(
        method, unit, tuple(labels.tolist()), elpd, p, khat, n_draws, n_parameters(fit, group), fit.observed
    )


def _joined(parts: list[Terms]) -> Terms:
    elpd, p, khat = zip(*parts, strict=True)
    return np.concatenate(elpd), np.concatenate(p), None if khat[0] is None else np.concatenate(khat)


def blocks_of(fit: Fit, cdf: bool) -> Iterator[RowBlock]:
    """All rows for all draws, as many at a time as memory is meant to hold."""
    if fit.row_blocks_fn is None:
        raise HmlmError("this needs the data: call it on the fit that m.fit(...) returned")
    check_has_draws(fit.info, "comparing models")
    per_row = fit.n_draws * (1 + 2 * cdf * len(fit.observed))
    return fit.row_blocks_fn(rows_at_a_time(per_row), cdf)


def rows_at_a_time(per_row: int) -> int:
    """How many rows of so many numbers memory is meant to hold."""
    return max(1, NUMBERS_AT_A_TIME // per_row)


def _warned(elpd: Elpd) -> Elpd:
    for problem in elpd.problems:
        warnings.warn(problem, ComparisonWarning, stacklevel=3)
    return elpd
