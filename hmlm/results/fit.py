"""``Fit``: the posterior of one model and everything people read from it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results import datatree, saving, updating
from hmlm.results.coefficients import coef_draws, coef_table
from hmlm.results.contrasts import contrasts
from hmlm.results.convergence import Convergence, convergence, stack
from hmlm.results.covariances import covariance_draws
from hmlm.results.diagnostics import check
from hmlm.results.effects import joined, scalars, tidy, to_dataset
from hmlm.results.hypothesis import Hypotheses, hypothesis
from hmlm.results.icc import icc_table
from hmlm.results.info import FitInfo
from hmlm.results.loo import loo, loo_pit, waic
from hmlm.results.plots import Plots
from hmlm.results.prediction.conditional import conditional_effects
from hmlm.results.prediction.marginal import comparisons, marginal_means
from hmlm.results.prediction.predict import EPRED, KINDS, LINPRED, PREDICT, make_prediction, make_request
from hmlm.results.prediction.prediction import Prediction
from hmlm.results.prediction.r2 import bayes_r2
from hmlm.results.printout import printout
from hmlm.results.residual_levels import residual_sd
from hmlm.results.statement import Statement
from hmlm.results.table import estimates, labels, rounded, seconds_of, table
from hmlm.results.tidy_draws import gather, spread
from hmlm.results.var_corr import VarCorr, var_corr
from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.spec import Spec
from hmlm.types import Design, HmlmError

if TYPE_CHECKING:
    from hmlm.density.row_blocks import RowBlock
    from hmlm.results.elpd import Elpd

Refit = Callable[["Fit", Any, Any, Any, Mapping[str, Any]], "Fit"]


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """Draws of a model's posterior with what is known about them; ``print(fit)`` reads like brms.

    Attributes:
        info: the facts beside the draws.
        posterior: population-level parameters, dims ``(chain, draw)``, with brms's names.
        sample_stats: ArviZ's ``diverging``, ``n_steps``, ``tree_depth``, ``acceptance_rate``, ``energy``,
            ``lp``, ``step_size``, as far as the sampler has them.
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
            raise _unknown(name, [str(variable) for variable in self.posterior])
        if name not in self.effects:
            raise _unknown(name, list(self.effects))
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
        """R-hat, bulk and tail ESS of the parameters of ``info.rows``."""
        return convergence(self.values)

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What speaks against using these draws, with what to do; empty if nothing does."""
        return check(self)

    # --- tables --------------------------------------------------------------------------------------

    def summary(
        self,
        prob: float = 0.95,
        digits: int | None = None,
        *,
        variable: bool = False,
        ess_per_second: bool = False,
        effects: bool = False,
    ) -> pd.DataFrame:
        """Estimate, error, equal-tailed interval, R-hat and ESS of each parameter, as brms prints them.

        Args:
            prob: probability of the interval.
            digits: decimals to round to; None does not round.
            variable: add the draw's name as a column, ``sd_id__Intercept``.
            ess_per_second: add bulk ESS per second of the whole run, compilation and warm-up included.
            effects: add a row per group effect, ``r_id[1,Intercept]``.
        """
        names = labels(self.info.rows)
        frame = table(self.values, names, self.convergence, prob)
        draws_names = [row.variable for row in self.info.rows]
        if effects and self.effects:
            extra = self._effects_table(prob)
            frame, draws_names = pd.concat([frame, extra]), [*draws_names, *extra.index]
        if ess_per_second:
            frame["ESS/s"] = frame["Bulk_ESS"] / seconds_of(self.info)
        if digits is not None:
            frame = rounded(frame, digits)
        if variable:
            frame.insert(0, "variable", draws_names)
        return frame

    def _effects_table(self, prob: float) -> pd.DataFrame:
        names, values = scalars(self.effects)
        return table(values, names, convergence(values), prob)

    def fixef(self, prob: float = 0.95) -> pd.DataFrame:
        """Population-level coefficients: estimate, error and interval."""
        chosen = [row.section == "population" for row in self.info.rows]
        names = [row.label for row in self.info.rows if row.section == "population"]
        return pd.DataFrame(estimates(self.values[chosen], prob), index=names)

    def ranef(
        self, summary: bool = True, groups: str | Sequence[str] | None = None, prob: float = 0.95
    ) -> dict[str, pd.DataFrame] | dict[str, xr.DataArray]:
        """Group effects by factor: deviations from the population-level coefficients.

        Args:
            summary: True gives a row per level and term, False the draws, dims
                ``(chain, draw, <factor>, term)``.
            groups: the factors wanted; None takes all.
            prob: probability of the interval.
        """
        if summary:
            return tidy(self.effects, groups, prob)
        return joined(self.effects, groups)

    def draws(self) -> pd.DataFrame:
        """The summary's parameters, a column each, a row per chain and draw."""
        return self.posterior[[row.variable for row in self.info.rows]].to_dataframe()

    def log_lik(self, group: str | None = None, samples: int = 50) -> xr.DataArray:
        """Pointwise log likelihood: of every row given its group effects, or of every group without them.

        Args:
            group: None for rows, dims ``(chain, draw, row)``; a grouping factor for the likelihood
                of each of its levels with the effects integrated out, dims ``(chain, draw, <group>)``: what
                leave-one-group-out needs. Effects of factors nested in it are integrated out too, those
                of crossed and coarser factors are the draw's own.
            samples: importance samples per draw where effects on a scale are integrated out; effects on
                a Gaussian mean are integrated out exactly.

        Raises:
            HmlmError: an unknown factor, one that holds factors side by side, or a file without the model.
        """
        if self.log_lik_fn is None:
            raise HmlmError("log_lik needs the data, which this file does not hold: fit the model again")
        factors = [name for name, _ in self.info.factors]
        if group is not None and group not in factors:
            raise HmlmError(f"no grouping factor '{group}'; the model has {', '.join(factors) or 'none'}")
        if samples < 1:
            raise HmlmError(f"samples = {samples}: at least one importance sample is needed")
        return self.log_lik_fn(group, samples)

    # --- predictions ---------------------------------------------------------------------------------

    def linpred(self, newdata: Any = None, *, summary: bool = False, prob: float = 0.95, **options: Any):
        """Linear predictor of each row in each draw, on the scale of the link; see :meth:`epred`."""
        return self._predicted(LINPRED, newdata, summary, prob, options)

    def epred(self, newdata: Any = None, *, summary: bool = False, prob: float = 0.95, **options: Any):
        """Expected outcome of each row in each draw.

        Args:
            newdata: a table with the columns that the formula needs; None takes the rows of the fit.
            summary: True gives a table of mean, standard deviation and interval, made chunk by chunk, so that
                16 000 draws of 13 000 rows never are in memory together.
            prob: probability of the interval.
            options: ``re_formula``: which group effects count: None all, ``"NA"`` none (an average level),
                ``"~ (1 | id)"`` those. ``allow_new_levels``: whether ``newdata`` may have levels that the
                model has not seen. ``sample_new_levels``: their effects, ``"uncertainty"`` (in each
                draw those of a known level), ``"gaussian"`` (from their distribution) or ``"old_levels"``
                (those of one known level). ``dpar``: another parameter, ``"sigma"``. ``resp``: one outcome.
                ``ndraws``: that many draws, chosen at random. ``seed``: of all that is random here; the
                fit's by default.

        Returns:
            Array with dims ``(chain, draw, row)``, with ``ndraws`` ``(sample, row)``, and ``resp`` for
            several outcomes; or the table.

        Raises:
            HmlmError: missing columns or levels, an unknown option; the message says what is allowed.
        """
        return self._predicted(EPRED, newdata, summary, prob, options)

    def predict(self, newdata: Any = None, *, summary: bool = False, prob: float = 0.95, **options: Any):
        """New outcomes of each row in each draw, residuals included; see :meth:`epred`.

        With ``ar()`` whole series are drawn anew, a row's residual carrying on from that of the row before
        it in the table that is predicted. Expected values are those without the residuals before: nothing
        is taken over from the observed ones, as brms does for the rows of the fit.
        """
        if "dpar" in options:
            raise HmlmError(
                "predict makes outcomes; for a parameter call epred(dpar=...) or linpred(dpar=...)"
            )
        return self._predicted(PREDICT, newdata, summary, prob, options)

    def prediction(self, kind: str, newdata: Any = None, **options: Any) -> Prediction:
        """A prediction to be taken chunk by chunk: ``for rows, values in fit.prediction("epred").chunks():``.

        Args:
            kind: ``"linpred"``, ``"epred"`` or ``"predict"``.
            newdata: as in :meth:`epred`.
            options: as in :meth:`epred`.
        """
        if kind not in KINDS:
            raise HmlmError(f"kind={kind!r}: choose one of {listed(KINDS)}{did_you_mean(str(kind), KINDS)}")
        if self.spec is None or self.design is None:
            raise HmlmError(
                "this fit was read from a file that does not hold its model: fit it anew to predict"
            )
        request = make_request(newdata, {"seed": self.info.seed, **options})
        return make_prediction(kind, self.spec, self.design, self.posterior, lambda: self.effects, request)

    def conditional_effects(
        self, effects: str | list[str] | None = None, *, prob: float = 0.95, **options: Any
    ) -> dict[str, pd.DataFrame]:
        """What the model expects along a column, or along two that interact, the others held.

        Numbers are held at their mean, categories at their first level. Beside another column a number takes
        its mean and one standard deviation either way.

        Args:
            effects: ``"day"``, ``"steps.pm:steps.pmd"`` (along the first, at values of the second) or a list;
                None takes every column of the formula and every pair that interacts.
            prob: probability of the interval.
            options: ``conditions``: values for columns that are held, ``{"sex": "male"}``. ``method``:
                ``"epred"``, ``"linpred"`` or ``"predict"``. The others as in :meth:`epred`; ``re_formula``
                is ``"NA"``, an average level, unless said.

        Returns:
            By effect a table with the columns' values, estimate, error and interval.
        """
        return conditional_effects(self, effects, prob=prob, **options)

    def marginal_means(
        self, column: str, values: Sequence[Any] | None = None, *, prob: float = 0.95, **options: Any
    ) -> pd.DataFrame:
        """Expected outcome averaged over the rows of the data, as if ``column`` had each of some values.

        Args:
            column: of the formula.
            values: those it gets; None takes all levels of a category, a number's mean and one standard
                deviation either way.
            prob: probability of the interval.
            options: as in :meth:`epred`; group effects count unless ``re_formula="NA"``.
        """
        return marginal_means(self, column, values, prob, options)

    def comparisons(
        self,
        column: str,
        values: Sequence[Any] | None = None,
        *,
        kind: str = "difference",
        prob: float = 0.95,
        **options: Any,
    ) -> pd.DataFrame:
        """Differences or ratios of :meth:`marginal_means`, the later value of each pair with the earlier.

        Args:
            column, values, prob, options: as of :meth:`marginal_means`.
            kind: ``"difference"`` or ``"ratio"``.
        """
        return comparisons(self, column, values, kind, prob, options)

    def bayes_r2(self, *, summary: bool = True, prob: float = 0.95, **options: Any):
        """Share of each outcome's variance that its expected values have, draw by draw (brms's ``bayes_R2``).

        Args:
            summary: False gives the draws, dims ``(chain, draw)``, and ``resp`` for several outcomes.
            prob: probability of the interval.
            options: ``re_formula`` and ``resp`` as in :meth:`epred`.
        """
        return bayes_r2(self, summary, prob, options)

    def residuals(self, *, summary: bool = False, prob: float = 0.95, **options: Any):
        """Outcomes minus expected values of the rows of the fit; options as in :meth:`epred`."""
        found = self.prediction(EPRED, **options)
        observed = np.stack([self.observed[name].values for name in found.outcomes])
        found = replace(found, name="residuals", residual_of=observed)
        return found.summary(prob) if summary else found.array()

    def _predicted(self, kind: str, newdata: Any, summary: bool, prob: float, options: dict[str, Any]):
        found = self.prediction(kind, newdata, **options)
        return found.summary(prob) if summary else found.array()

    # --- effects and tidy draws ----------------------------------------------------------------------

    def coef(
        self, groups: str | Sequence[str] | None = None, summary: bool = True, prob: float = 0.95
    ) -> dict[str, pd.DataFrame] | dict[str, xr.DataArray]:
        """Each level's own coefficients by factor: population level plus group effect, as brms's ``coef``.

        What varies without a population-level counterpart counts from 0; coefficients that do not vary by a
        factor are the same at all its levels, and stand after those that do.

        Args:
            groups: the factors wanted; None takes all.
            summary: True gives a row per level and term, False the draws, dims
                ``(chain, draw, <factor>, term)``.
            prob: probability of the interval.

        Raises:
            HmlmError: a model without group effects, or an unknown factor.
        """
        return coef_table(self, groups, prob) if summary else coef_draws(self, groups)

    def var_corr(self, summary: bool = True, prob: float = 0.95) -> VarCorr | dict[str, xr.DataArray]:
        """Standard deviations, correlations and covariances of group effects and residuals.

        Args:
            summary: True gives tables with intervals, ``.sd``, ``.cor`` and ``.cov``, that print as lme4's
                ``VarCorr``; False the draws of the covariance matrices by group, dims
                ``(chain, draw, term, term2)``.
            prob: probability of the intervals.
        """
        return var_corr(self, prob) if summary else covariance_draws(self)

    # --- residual structure ---------------------------------------------------------------------------

    def residual_sd(self, prob: float = 0.95) -> pd.DataFrame:
        """Residual standard deviations by the levels of a factor, where ``sigma ~ 0 + occas`` or the like.

        Returns:
            A row per level in the order of the levels (and ``outcome`` for several outcomes): ``level``,
            estimate, error and interval of the standard deviation, and the posterior means ``variance`` and
            ``relative``, the standard deviation divided by that of the first level (nlme's ``varIdent``).

        Raises:
            HmlmError: sigma depends on numbers or varies between groups.
        """
        return residual_sd(self, prob)

    def icc(self, group: str | None = None, prob: float = 0.95) -> pd.DataFrame:
        """Intraclass correlation: the share of variance that the intercepts of a factor's levels have.

        Draw by draw, ``tau_0² / (variance of all group effects + sigma²)``; where slopes vary, the variance
        of group effects is its mean over the rows, and the share is only that of the intercepts.

        Args:
            group: the factor wanted; None takes all whose intercept varies.
            prob: probability of the interval.

        Returns:
            A row per factor, and per outcome where there are several.

        Raises:
            HmlmError: where there is no one share: sigma has a formula, another family, no varying intercept.

        References:
            Nakagawa et al. (2017), doi:10.1098/rsif.2017.0213; Johnson (2014), doi:10.1111/2041-210X.12225
        """
        return icc_table(self, group, prob)

    def hypothesis(
        self,
        hypotheses: str | Sequence[str] | Mapping[str, str],
        class_: str | None = "b",
        group: str = "",
        alpha: float = 0.05,
    ) -> Hypotheses:
        """Test hypotheses such as ``"steps.pm > 0"`` or ``"exp(sigma_Intercept) = 0.5"``, as in brms.

        Args:
            hypotheses: one or several, by name if a mapping: arithmetic on both sides of ``=``, ``<`` or
                ``>``; unusual names go in back quotes.
            class_: what is put before each name: ``"b"`` for coefficients, ``"sd"`` or ``"cor"`` with a
                group; None for names in full, ``"sigma > 1"``, ``"r_id[3,Intercept] < 0"``.
            group: the grouping factor of ``"sd"`` and ``"cor"``.
            alpha: error probability: one-sided hypotheses get a ``1 - 2 alpha`` interval, two-sided ones
                ``1 - alpha``.

        Returns:
            The table, with the evidence ratio (posterior odds; not defined for ``=`` without draws of the
            prior), and the draws.

        Raises:
            HmlmError: text that cannot be read, or an unknown name, with the nearest one.
        """
        return hypothesis(self, hypotheses, class_, group, alpha)

    def contrasts(
        self, combinations: str | Sequence[str] | Mapping[str, str | Mapping[str, float]], prob: float = 0.95
    ) -> pd.DataFrame:
        """Estimate, error and interval of linear combinations of parameters.

        Args:
            combinations: text, ``"b_x - b_z"``, several of them, or by name text or weights,
                ``{"high - low": {"b_x": 1, "b_z": -1}}``. Coefficients may go without their ``b_``.
            prob: probability of the interval.

        Raises:
            HmlmError: text that cannot be read, weights that are no numbers, or an unknown name.
        """
        return contrasts(self, combinations, prob)

    def gather_draws(self, *variables: str) -> pd.DataFrame:
        """Draws as a long table: ``.chain``, ``.iteration``, ``.draw``, indices, ``.variable``, ``.value``.

        Args:
            variables: names, or regular expressions that match names whole, ``"b_.*"``; the indices of group
                effects can be named, ``"r_id[person, term]"``.

        Raises:
            HmlmError: nothing of that name.
        """
        return gather(self, variables)

    def spread_draws(self, *variables: str) -> pd.DataFrame:
        """Draws as a wide table: a column per variable, joined by draw and by indices of the same name.

        ``fit.spread_draws("b_Intercept", "r_id[id, term]")`` has a row per draw, id and term. Indices keep
        only what all variables have.

        Args:
            variables: as of :meth:`gather_draws`.

        Raises:
            HmlmError: nothing of that name.
        """
        return spread(self, variables)

    # --- model comparison ----------------------------------------------------------------------------

    def loo(self, group: str | None = None, *, samples: int = 50) -> Elpd:
        """Expected log density of a new row, or of all rows of a new level, by leave-one-out (PSIS).

        ``elpd_loo = sum_i log p(y_i | y_-i)``. By row a left-out row keeps its group's effects, estimated
        from the group's other rows: how well the model predicts new rows of known people. By group a level's
        rows are left out together and its effects integrated out: how well it predicts new people. Rows are
        read a block at a time.

        Args:
            group: a grouping factor whose levels are left out whole; None leaves out rows.
            samples: of :meth:`log_lik`, where effects on a scale are integrated out.

        Warns:
            ComparisonWarning: k-hat is too high for some rows or levels; the message says what to try.

        Raises:
            HmlmError: an unknown factor, or a fit that was read from a file.
        """
        return loo(self, group, samples)

    def waic(self, group: str | None = None, *, samples: int = 50) -> Elpd:
        """The widely applicable information criterion; arguments as :meth:`loo`, which is to be preferred.

        References:
            Watanabe (2010), Journal of Machine Learning Research 11, 3571
        """
        return waic(self, group, samples)

    def loo_pit(self) -> xr.Dataset:
        """Probability of each outcome below the one observed, predicted without its row (LOO-PIT).

        Uniform on (0, 1) if the model is right: a hump says that its spread is too wide, a bowl too narrow, a
        slope that it is off to one side.

        Returns:
            A variable per outcome, dims ``(row,)``.
        """
        return loo_pit(self)

    def kfold(
        self, k: int | None = None, group: str | None = None, *, samples: int = 50, seed: int = 0
    ) -> Elpd:
        """Expected log density of new rows or levels by K refits, each without a fold that it then predicts.

        Slower than :meth:`loo`, and right where its k-hat is not. The refits take over chains, warm-up and
        draws, and the priors as they are.

        Args:
            k: number of folds; None takes 10, or as many as there are levels if they are fewer.
            group: a grouping factor whose levels are left out whole; None leaves out rows, evenly within the
                levels of the first factor.
            samples: of :meth:`log_lik`, where effects on a scale are integrated out.
            seed: of the folds; models to be compared need the same folds.

        Warns:
            ComparisonWarning: refits that did not converge.

        Raises:
            HmlmError: an unknown factor, a k that makes no folds, or a fit that was read from a file.
        """
        from hmlm.results.kfold import kfold  # refits, which nothing else here does

        return kfold(self, k, group, samples, seed)

    # --- figures -------------------------------------------------------------------------------------

    @cached_property
    def plot(self) -> Plots:
        """The figures: ``fit.plot.caterpillar()``, ``fit.plot.coefficients()``, …"""
        return Plots(self)

    # --- elsewhere -----------------------------------------------------------------------------------

    def to_arviz(self, effects: bool = False) -> Any:
        """ArviZ's ``InferenceData`` (0.x) or ``DataTree`` (1.x); group effects join the posterior."""
        groups = self._groups()
        if effects:
            groups["posterior"] = self.posterior.merge(to_dataset(self.effects))
        return datatree.to_arviz(datatree.to_datatree(groups))

    def save(self, path: str | PathLike[str], *, overwrite: bool = True, effects: bool = True) -> None:
        """Write one netCDF file, for :func:`load_fit` and ``arviz.from_netcdf``.

        Args:
            path: the file.
            overwrite: False refuses to replace a file.
            effects: False leaves the group effects out, by far the largest part; those of a Gaussian mean can
                be drawn again from the parameters.
        """
        saving.save(self, self._groups(), Path(path), overwrite=overwrite, effects=effects)

    def _groups(self) -> dict[str, xr.Dataset]:
        return {
            "posterior": self.posterior,
            "sample_stats": self.sample_stats,
            "observed_data": self.observed,
        }

    # --- the same model again ------------------------------------------------------------------------

    def update(self, formula: Any = None, data: Any = None, prior: Any = None, **settings: Any) -> Fit:
        """Fit again with a changed formula, other data, priors or settings; the rest stays as it was.

        Args:
            formula: a change in R's notation, ``". ~ . + x"``, ``". ~ . - x"``, ``"sigma ~ . + x"`` (several
                in a list), or a whole formula as :func:`hmlm.model` takes it.
            data: another table. None takes the fit's own, which has only the columns that it used, and of
                these the rows that were complete.
            prior: priors in place of those stated before; None keeps them.
            settings: of the run or the model by the names of :func:`hmlm.fit`: ``draws=4000``, ``seed=2``.

        Raises:
            HmlmError: the fit does not know its model, or an argument is wrong; the message says how.
        """
        return updating.update(self, formula, data, prior, settings)


def _unknown(name: str, known: list[str]) -> HmlmError:
    near = difflib.get_close_matches(name, known, n=1)
    few = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
    hint = f"did you mean '{near[0]}'?" if near else f"there are {few or 'none'}"
    return HmlmError(f"no variable '{name}': {hint}")
