"""K-fold cross-validation: the model fitted anew without each fold, and judged on it.

A level keeps its place in the model when all its rows are left out: its effects then have their prior. Folds
of one shape, as with groups of one size, share one compiled program.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import logsumexp

from hmlm.density.backend import choose_backend
from hmlm.density.build import make_log_density
from hmlm.density.draws import NamedDraws, named_draws
from hmlm.density.groupwise import group_log_likelihood
from hmlm.density.information import make_information
from hmlm.density.log_density import LogDensity
from hmlm.density.pilot import fit_pilot
from hmlm.density.plan import AUTO, make_plan
from hmlm.density.row_blocks import row_blocks
from hmlm.infer.driver import sample
from hmlm.infer.settings import Settings
from hmlm.results.approximation import check_is_sampled
from hmlm.results.convergence import convergence
from hmlm.results.elpd import ROW, Elpd
from hmlm.results.loo import blocks_of, n_parameters, rows_at_a_time
from hmlm.results.unknown import check_factor
from hmlm.types import ComparisonWarning, Design, Factor, HmlmError, Outcome

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

FOLDS = 10
MAX_RHAT = 1.05


class Units(NamedTuple):
    """What is left out: names of the n units, the factor they are levels of, and the unit of every row."""

    labels: tuple
    factor: str | None
    of_row: np.ndarray


def kfold(
    fit: Fit, k: int | None = None, group: str | None = None, *, samples: int = 50, seed: int = 0
) -> Elpd:
    """Expected log density of new rows or levels by K refits, each without a fold that it then predicts.

    Slower than :meth:`Fit.loo`, and right where its k-hat is not. The refits take over chains, warm-up and
    draws, and the priors as they are.

    Args:
        k: number of folds; None takes 10, or as many as there are levels if they are fewer.
        group: a grouping factor whose levels are left out whole; None leaves out rows, evenly within the
            levels of the first factor.
        samples: of :meth:`Fit.log_lik`, where effects on a scale are integrated out.
        seed: of the folds; models to be compared need the same folds.

    Warns:
        ComparisonWarning: refits that did not converge.

    Raises:
        HmlmError: an unknown factor, a k that makes no folds, a fit of a file that holds no model, or one
            of an approximation.
    """
    check_is_sampled(fit.info, "kfold")
    units = _units(fit, group)
    _check_series(fit, group)
    k = min(FOLDS, len(units.labels)) if k is None else k
    folds = split(fit.design, units, k, seed)
    refits = [_Refit(fit, units.factor, folds[units.of_row] == fold, fold, samples) for fold in range(k)]
    elpd_i = np.zeros(len(units.labels))
    for fold, refit in enumerate(refits):
        elpd_i[folds == fold] = refit.log_density[folds == fold]
    _warn([fold for fold, refit in enumerate(refits) if refit.rhat > MAX_RHAT], k)
    p_i = _lppd(fit, group, samples) - elpd_i
    n_draws, size = fit.n_draws, n_parameters(fit, group)
    return Elpd("kfold", group or ROW, units.labels, elpd_i, p_i, None, n_draws, size, fit.observed)


def split(design: Design, units: Units, k: int, seed: int) -> np.ndarray:
    """(n,) fold of every unit, drawn at random; rows evenly within the levels of the first factor.

    Raises:
        HmlmError: fewer than two folds, or more than units.
    """
    n = len(units.labels)
    if not 2 <= k <= n:
        raise HmlmError(f"kfold: k = {k}; there are {n} to leave out, so k is between 2 and {n}")
    by_level = units.factor is None and design.factors
    level = design.factors[0].index if by_level else np.zeros(n, int)
    order = np.lexsort((np.random.default_rng(seed).random(n), level))
    folds = np.empty(n, int)
    folds[order] = np.arange(n) % k
    return folds


def rows_of(design: Design, rows: np.ndarray) -> Design:
    """Some rows of a design (N booleans or numbers), with all its columns and levels."""
    return replace(
        design,
        outcomes=tuple(_outcome_of(o, rows) for o in design.outcomes),
        predictors=tuple(
            replace(
                p,
                population=replace(p.population, matrix=p.population.matrix[rows]),
                groups=tuple(
                    replace(g, matrix=g.matrix[rows], rows=None if g.rows is None else g.rows[rows])
                    for g in p.groups
                ),
                offset=None if p.offset is None else p.offset[rows],
            )
            for p in design.predictors
        ),
        factors=tuple(_factor_of(factor, rows) for factor in design.factors),
        rows=design.rows[rows],
    )


def _factor_of(factor: Factor, rows: np.ndarray) -> Factor:
    members = factor.members
    if members is not None:
        members = replace(members, index=members.index[rows], weights=members.weights[rows])
    return replace(factor, index=factor.index[rows], members=members)


def _outcome_of(outcome: Outcome, rows: np.ndarray) -> Outcome:
    """Some rows of an outcome; of series whole ones."""
    additions = {name: values[rows] for name, values in outcome.additions.items()}
    some = replace(outcome, values=outcome.values[rows], additions=additions)
    if outcome.repeated is not None:
        known = outcome.repeated
        return replace(some, repeated=replace(known, index=known.index[rows], place=known.place[rows]))
    if outcome.series is None:
        return some
    kept = np.arange(len(outcome.values))[rows]
    place = np.full(len(outcome.values) + 1, -1)
    place[kept] = np.arange(len(kept))
    series = replace(outcome.series, previous=place[outcome.series.previous[kept]])
    return replace(some, series=series)


def _check_series(fit: Fit, group: str | None) -> None:
    """Refuse to leave out parts of a series: what follows them would change."""
    autocor = fit.spec.autocor
    if autocor is None:
        return
    whole = [fit.spec.factors[f].name for f in autocor.within]
    if group not in whole:
        hint = f"leave out whole series: group = {' or '.join(map(repr, whole))}" if whole else "use loo()"
        raise HmlmError(f"kfold: the rows of a series of {autocor.term} depend on each other; {hint}")


@dataclass(frozen=True, eq=False)
class _Refit:
    """The model fitted without some rows, and how well it predicts them.

    Attributes:
        fit: to all rows.
        factor: whose levels are left out whole, None for rows.
        out: (N,) which rows are left out.
        fold: its number.
        samples: importance samples where effects on a scale are integrated out.
    """

    fit: Fit
    factor: str | None
    out: np.ndarray
    fold: int
    samples: int

    @cached_property
    def density(self) -> LogDensity:
        kept = rows_of(self.fit.design, ~self.out)
        spec = replace(self.fit.spec, n_rows=kept.n_rows)
        return make_log_density(
            spec, kept, fit_pilot(spec, kept), make_plan(spec, AUTO), choose_backend(AUTO)
        )

    @cached_property
    def draws(self) -> NamedDraws:
        """(C, S) draws."""
        info = self.fit.info
        settings = Settings(
            chains=info.chains,
            warmup=info.warmup,
            draws=info.draws * info.thin,
            thin=info.thin,
            seed=(info.seed + 1 + self.fold) % 2**32,
            max_tree_depth=info.max_tree_depth,
        )
        run = sample(self.density, settings, progress=False)
        return named_draws(self.density, run.draws.position, info.seed)

    @property
    def rhat(self) -> float:
        """The largest R-hat."""
        return float(np.nanmax(convergence(np.moveaxis(self.draws.values, -1, 0)).rhat))

    @cached_property
    def log_density(self) -> np.ndarray:
        """Log predictive density of every row (N,), or of every level (J,); zero where not left out."""
        if self.factor is None:
            out = np.zeros(len(self.out))
            out[self.out] = self._rows()
            return out
        return _log_mean(self._levels())

    def _rows(self) -> np.ndarray:
        held_out = rows_of(self.fit.design, self.out)
        size = rows_at_a_time(self.draws.values[..., 0].size)
        blocks = row_blocks(self.density, held_out, self.draws, size, cdf=False)
        return np.concatenate([_log_mean(block.log_lik) for block in blocks])

    def _levels(self) -> np.ndarray:
        """(J, S) log densities; scale effects are proposed from what the left-out rows say."""
        held_out, design, spec = rows_of(self.fit.design, self.out), self.fit.design, self.fit.spec
        known = make_information(spec, design, fit_pilot(spec, design), self.density.plan)
        density, seed = self.density, self.fit.info.seed
        values = group_log_likelihood(density, held_out, self.factor, self.draws, seed, self.samples, known)
        return values.reshape(-1, values.shape[-1]).T


def _units(fit: Fit, group: str | None) -> Units:
    if fit.design is None or fit.spec is None:
        raise HmlmError("kfold needs the data: call it on the fit that m.fit(...) returned")
    if group is None:
        return Units(tuple(fit.observed["row"].values.tolist()), None, np.arange(fit.design.n_rows))
    known = {factor.name: factor for factor in fit.design.factors}
    check_factor(group, list(known))
    if known[group].members is not None:
        raise HmlmError(f"kfold: rows belong to several levels of {group!r}; leave out rows: group=None")
    return Units(known[group].levels, group, known[group].index)


def _lppd(fit: Fit, group: str | None, samples: int) -> np.ndarray:
    """(n,) log predictive densities under the fit to all rows."""
    if group is None:
        return np.concatenate([_log_mean(block.log_lik) for block in blocks_of(fit, cdf=False)])
    log_lik = fit.log_lik(group, samples)
    return _log_mean(log_lik.values.reshape(-1, log_lik.sizes[group]).T)


def _log_mean(log_lik: np.ndarray) -> np.ndarray:
    """(n,) log of the mean over draws of (n, S)."""
    return logsumexp(log_lik, axis=1) - np.log(log_lik.shape[1])


def _warn(unsure: list[int], k: int) -> None:
    if unsure:
        warnings.warn(
            f"{len(unsure)} of {k} refits have R-hat above {MAX_RHAT}: fit with a longer warm-up or more "
            "draws, which kfold takes over, and call it again",
            ComparisonWarning,
            stacklevel=3,
        )
