"""``Fit``: the posterior of one model and everything people read from it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results import archive, datatree
from hmlm.results.convergence import Convergence, convergence, stack
from hmlm.results.diagnostics import check
from hmlm.results.effects import joined, scalars, tidy, to_dataset
from hmlm.results.info import FitInfo
from hmlm.results.plots import Plots
from hmlm.results.printout import printout
from hmlm.results.table import estimates, labels, rounded, seconds_of, table
from hmlm.spec.spec import Spec
from hmlm.types import Design, HmlmError


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
            samples; None for a fit read from a file.
        spec: the model; None for a fit read from a file.
        design: its matrices, with what builds them anew for other data; None for a fit read from a file.
    """

    info: FitInfo
    posterior: xr.Dataset
    sample_stats: xr.Dataset
    effects_fn: Callable[[], Mapping[str, xr.DataArray]]
    observed: xr.Dataset
    log_lik_fn: Callable[[str | None, int], xr.DataArray] | None = None
    spec: Spec | None = None
    design: Design | None = None

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
            group: None for rows, dims ``(chain, draw, row)``; the model's grouping factor for the likelihood
                of each of its levels with the effects integrated out, dims ``(chain, draw, <group>)``: what
                leave-one-group-out needs.
            samples: importance samples per draw where effects on a scale are integrated out; effects on
                a Gaussian mean are integrated out exactly.

        Raises:
            HmlmError: an unknown factor, several factors, or a fit that was read from a file.
        """
        if self.log_lik_fn is None:
            raise HmlmError("log_lik needs the data: call it on the fit that m.fit(...) returned")
        factors = [name for name, _ in self.info.factors]
        if group is not None and group not in factors:
            raise HmlmError(f"no grouping factor '{group}'; the model has {', '.join(factors) or 'none'}")
        if samples < 1:
            raise HmlmError(f"samples = {samples}: at least one importance sample is needed")
        return self.log_lik_fn(group, samples)

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
            effects: False leaves the group effects out, by far the largest part.
        """
        if not overwrite and Path(path).exists():
            raise HmlmError(f"'{path}' exists: choose another name or say overwrite=True")
        groups = self._groups()
        if effects:
            groups["group_effects"] = to_dataset(self.effects)
        archive.write(Path(path), self.info, groups)

    def _groups(self) -> dict[str, xr.Dataset]:
        return {
            "posterior": self.posterior,
            "sample_stats": self.sample_stats,
            "observed_data": self.observed,
        }


def _unknown(name: str, known: list[str]) -> HmlmError:
    near = difflib.get_close_matches(name, known, n=1)
    few = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
    hint = f"did you mean '{near[0]}'?" if near else f"there are {few or 'none'}"
    return HmlmError(f"no variable '{name}': {hint}")
