"""``Fit``: the posterior of one model and everything people read from it.

What a fit can be asked for stands in modules, each with a verb or a family of them and their documentation.
The class holds the facts and binds the verbs: ``fit.loo(...)`` is ``loo(fit, ...)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from hmlm.results.coefficients import coef
from hmlm.results.contrasts import contrasts
from hmlm.results.convergence import Convergence, convergence, stack
from hmlm.results.diagnosis import check, diagnose
from hmlm.results.diagnosis.chains import diagnostics
from hmlm.results.effects import ranef
from hmlm.results.hypothesis import hypothesis
from hmlm.results.icc import icc
from hmlm.results.info import FitInfo
from hmlm.results.kfold import kfold
from hmlm.results.likelihood import log_lik
from hmlm.results.loo import loo, waic
from hmlm.results.nested import nested_rhat
from hmlm.results.pit import loo_pit
from hmlm.results.plots import Plots
from hmlm.results.prediction.conditional import conditional_effects
from hmlm.results.prediction.marginal import comparisons, marginal_means
from hmlm.results.prediction.r2 import bayes_r2
from hmlm.results.prediction.verbs import epred, linpred, predict, prediction, residuals
from hmlm.results.printout import printout
from hmlm.results.reporting import report
from hmlm.results.residual_levels import residual_sd
from hmlm.results.saving import save, to_arviz
from hmlm.results.sensitivity import log_prior, prior_sensitivity
from hmlm.results.statement import Statement
from hmlm.results.summary import draws, fixef, summary
from hmlm.results.tidy_draws import gather_draws, spread_draws
from hmlm.results.unknown import unknown
from hmlm.results.updating import update
from hmlm.results.var_corr import var_corr
from hmlm.spec.spec import Spec
from hmlm.types import Design

if TYPE_CHECKING:
    from hmlm.density.row_blocks import RowBlock

Refit = Callable[["Fit", Any, Any, Any, Mapping[str, Any]], "Fit"]


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """Draws of a model's posterior with what is known about them; ``print(fit)`` reads like brms.

    Attributes:
        info: the facts beside the draws.
        posterior: population-level parameters, dims ``(chain, draw)``, with brms's names.
        sample_stats: ArviZ's ``diverging``, ``n_steps`` (gradients), ``tree_depth``, ``acceptance_rate``,
            ``energy``, ``lp``, ``step_size``, ``trajectory_length``, as far as the sampler has them.
        effects_fn: makes the group effects: name -> dims ``(chain, draw, <factor>, "term")``.
        observed: the outcomes.
        log_lik_fn: makes the log likelihood from a grouping factor (or None) and a number of importance
            samples; None for a fit without a model.
        row_blocks_fn: makes the log likelihood of rows block by block, from rows per block and whether
            probabilities below the observed outcomes are wanted; None for a fit without a model.
        spec: the model; None for a fit of a file that holds none.
        design: its matrices, with what builds them anew for other data; None for a fit of a file without.
        statement: what was asked for: formula, priors, settings; None where it is not known.
        refit_fn: fits a changed model, for :meth:`update`: (fit, formula, data, prior, settings) -> fit.
    """

    info: FitInfo
    posterior: xr.Dataset
    sample_stats: xr.Dataset
    effects_fn: Callable[[], Mapping[str, xr.DataArray]]
    observed: xr.Dataset
    log_lik_fn: Callable[[str | None, int], xr.DataArray] | None = None
    row_blocks_fn: Callable[[int, bool], Iterator[RowBlock]] | None = None
    spec: Spec | None = None
    design: Design | None = None
    statement: Statement | None = None
    refit_fn: Refit | None = None

    def __repr__(self) -> str:
        return printout(self.info, self.summary(), self.problems)

    def __getitem__(self, name: str) -> xr.DataArray:
        """Draws of one variable: ``fit["b_day"]``, ``fit["r_id"]``."""
        if name in self.posterior:
            return self.posterior[name]
        if not name.startswith("r_"):
            raise unknown(f"no variable '{name}'", name, [str(variable) for variable in self.posterior])
        if name not in self.effects:
            raise unknown(f"no variable '{name}'", name, list(self.effects))
        return self.effects[name]

    # --- shared by the table, the printout and the warnings; computed once -------------------------

    @cached_property
    def effects(self) -> Mapping[str, xr.DataArray]:
        """Group effects by name, ``r_id``, dims ``(chain, draw, id, term)``; made on first access."""
        return self.effects_fn()

    @cached_property
    def values(self) -> np.ndarray:
        """(P, C, S) draws of the parameters of ``info.rows``."""
        return stack(self.posterior[row.variable] for row in self.info.rows)

    @property
    def n_draws(self) -> int:
        """Draws of all chains."""
        return self.posterior.sizes["chain"] * self.posterior.sizes["draw"]

    @cached_property
    def convergence(self) -> Convergence:
        """R-hat (nested, of superchains), bulk and tail ESS of the parameters of ``info.rows``."""
        return convergence(self.values, self.info.superchains)

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What speaks against using these draws, with what to do; empty if nothing does."""
        return check(self)

    # --- what people call: functions of the modules named above, the fit being their first argument ---

    summary = summary
    fixef = fixef
    ranef = ranef
    draws = draws
    log_lik = log_lik

    linpred = linpred
    epred = epred
    predict = predict
    residuals = residuals
    prediction = prediction
    conditional_effects = conditional_effects
    marginal_means = marginal_means
    comparisons = comparisons
    bayes_r2 = bayes_r2

    coef = coef
    var_corr = var_corr
    residual_sd = residual_sd
    icc = icc
    hypothesis = hypothesis
    contrasts = contrasts
    gather_draws = gather_draws
    spread_draws = spread_draws

    loo = loo
    waic = waic
    loo_pit = loo_pit
    kfold = kfold

    log_prior = log_prior
    prior_sensitivity = prior_sensitivity

    report = report

    diagnose = diagnose
    diagnostics = diagnostics
    nested_rhat = nested_rhat

    update = update
    save = save
    to_arviz = to_arviz

    @cached_property
    def plot(self) -> Plots:
        """The figures: ``fit.plot.caterpillar()``, ``fit.plot.coefficients()``, …"""
        return Plots(self)
