"""``MlFit``: the maximum of a model's likelihood, with standard errors. A point estimate, not a posterior."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.effects import factor_of, joined
from hmlm.results.ml_info import MlInfo
from hmlm.results.ml_printout import printout
from hmlm.results.table import interval_columns, labels, rounded
from hmlm.results.wald import wald_intervals
from hmlm.spec.hint import did_you_mean
from hmlm.types import EstimationWarning, HmlmError

METHODS = ("wald", "profile")

Interval = tuple[float, float]
Effects = Mapping[str, xr.DataArray]


@dataclass(frozen=True, eq=False, repr=False)
class MlFit:
    """Maximum (restricted) likelihood estimates of a model; ``print(fit)`` reads like brms and lme4.

    Attributes:
        info: the facts beside the numbers.
        params: estimates by brms's names; a correlation with an effect that does not vary is NaN.
        vcov: their covariance. Coefficients of means have the one given the variance parameters, as in lme4;
            parameters on their boundary have none (NaN).
        loglik: log likelihood there, normalising constants included; the restricted one after REML.
        observed: the outcomes.
        effects_fn: makes means and standard deviations of group effects given data and estimates: name ->
            dims ``(chain, draw, <factor>, "term")`` with one chain and one draw.
        profile_fn: profile intervals of parameters by name, at a level.
    """

    info: MlInfo
    params: pd.Series
    vcov: pd.DataFrame
    loglik: float
    observed: xr.Dataset
    effects_fn: Callable[[], tuple[Effects, Effects]]
    profile_fn: Callable[[Sequence[str], float], Mapping[str, Interval]]

    def __repr__(self) -> str:
        criteria = {
            "AIC": self.aic,
            "BIC": self.bic,
            "logLik": self.loglik,
            "deviance": self.deviance,
            "df": self.df,
        }
        return printout(self.info, self.summary(), criteria)

    # --- numbers -------------------------------------------------------------------------------------

    @property
    def se(self) -> pd.Series:
        """Standard errors, on the scale on which the parameters are reported."""
        return pd.Series(np.sqrt(np.diag(self.vcov)), index=self.params.index, name="se")

    @property
    def df(self) -> int:
        """Number of parameters."""
        return len(self.params)

    @property
    def deviance(self) -> float:
        """``-2 loglik``; after REML this is lme4's REML criterion."""
        return -2.0 * self.loglik

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return self.deviance + 2.0 * self.df

    @property
    def bic(self) -> float:
        """Schwarz's criterion, with the number of rows as its n."""
        return self.deviance + float(np.log(self.info.n_rows)) * self.df

    @property
    def converged(self) -> bool:
        """Whether nothing is left to gain."""
        return self.info.converged

    @property
    def singular(self) -> tuple[str, ...]:
        """Blocks of group effects whose covariance matrix is singular: boundary fits."""
        return self.info.singular

    # --- tables --------------------------------------------------------------------------------------

    def summary(
        self, prob: float = 0.95, digits: int | None = None, *, variable: bool = False
    ) -> pd.DataFrame:
        """Estimate, standard error and Wald interval of each parameter, under the labels of :class:`Fit`.

        Args:
            prob: coverage of the interval.
            digits: decimals to round to; None does not round.
            variable: add the parameter's name as a column, ``sd_id__Intercept``.
        """
        low, high = self._wald(list(self.params.index), prob)
        columns = interval_columns(self.params.to_numpy(), self.se.to_numpy(), low, high, prob)
        frame = pd.DataFrame(columns, index=pd.Index(labels(self.info.rows), dtype=object))
        if digits is not None:
            frame = rounded(frame, digits)
        if variable:
            frame.insert(0, "variable", list(self.params.index))
        return frame

    def fixef(self, prob: float = 0.95) -> pd.DataFrame:
        """Population-level coefficients: estimate, standard error and Wald interval."""
        chosen = [row.section == "population" for row in self.info.rows]
        return self.summary(prob).loc[chosen]

    def var_corr(self) -> pd.DataFrame:
        """Variances and covariances as lme4's ``as.data.frame(VarCorr(fit))``: a row each.

        Columns ``grp``, ``var1``, ``var2``, ``vcov`` (variance or covariance) and ``sdcor`` (standard
        deviation or correlation).
        """
        parts = self.info.variances
        sdcor = [self.params[part.variable] for part in parts]
        products = [np.prod([self.params[name] for name in part.factors]) for part in parts]
        return pd.DataFrame(
            {
                "grp": [part.group for part in parts],
                "var1": pd.Series([part.first for part in parts], dtype=object),
                "var2": pd.Series([part.second for part in parts], dtype=object),
                "vcov": [0.0 if product == 0 else product for product in products],
                "sdcor": sdcor,
            }
        )

    def ranef(self, groups: str | Sequence[str] | None = None, prob: float = 0.95) -> dict[str, pd.DataFrame]:
        """Group effects by factor: means given the data and the estimates (lme4's conditional modes).

        ``Est.Error`` is their standard deviation given the estimates: it leaves out that these are uncertain.

        Args:
            groups: the factors wanted; None takes all.
            prob: probability of the interval.
        """
        means, sds = (joined(effects, groups) for effects in self._effects)
        return {factor: _tidy(means[factor], sds[factor], prob) for factor in means}

    def confint(
        self, names: str | Sequence[str] | None = None, *, method: str = "wald", level: float = 0.95
    ) -> pd.DataFrame:
        """Confidence intervals: a row per parameter.

        Args:
            names: the parameters wanted, ``"sd_id__Intercept"``; None takes all.
            method: ``"wald"``, from the standard errors: of standard deviations on the log scale, of
                correlations by Fisher's z; or ``"profile"``, from the likelihood, re-optimised at each value:
                asymmetric, with ends at 0 for standard deviations that may be zero. After REML the full
                likelihood is profiled, as in lme4.
            level: coverage.

        Raises:
            HmlmError: an unknown name or method, or a level outside (0, 1).
        """
        chosen = self._chosen(names)
        if method not in METHODS:
            raise HmlmError(
                f"method={method!r}{did_you_mean(str(method), METHODS)}: choose 'wald' or 'profile'"
            )
        if not 0 < level < 1:
            raise HmlmError(f"level={level}: a coverage lies between 0 and 1, say level=0.95")
        if method == "wald":
            low, high = self._wald(chosen, level)
        else:
            found = self.profile_fn(chosen, level)
            low, high = np.array([found[name] for name in chosen]).reshape(-1, 2).T
            _warn_of_open_ends(chosen, np.isnan(low + high) & self.params[chosen].notna().to_numpy())
        percent = f"{100 * level:g}% CI"
        return pd.DataFrame({f"l-{percent}": low, f"u-{percent}": high}, index=chosen)

    @cached_property
    def _effects(self) -> tuple[Effects, Effects]:
        return self.effects_fn()

    def _wald(self, names: Sequence[str], level: float) -> tuple[np.ndarray, np.ndarray]:
        return wald_intervals(names, self.params[names].to_numpy(), self.se[names].to_numpy(), level)

    def _chosen(self, names: str | Sequence[str] | None) -> list[str]:
        known = list(self.params.index)
        wanted = known if names is None else [names] if isinstance(names, str) else list(names)
        for name in wanted:
            if name not in known:
                raise HmlmError(
                    f"no parameter {name!r}{did_you_mean(str(name), known)} (the fit has {', '.join(known)})"
                )
        return wanted


def _warn_of_open_ends(names: Sequence[str], is_open: np.ndarray) -> None:
    found = [name for name, flag in zip(names, is_open, strict=True) if flag]
    if found:
        warnings.warn(
            f"no end of the profile interval was found for {', '.join(found)}: the likelihood hardly falls",
            EstimationWarning,
            stacklevel=3,
        )


def _tidy(mean: xr.DataArray, sd: xr.DataArray, prob: float) -> pd.DataFrame:
    levels, terms = mean.coords[factor_of(mean)].values, mean.coords["term"].values
    keys = {"level": np.repeat(levels, len(terms)), "term": np.tile(terms, len(levels))}
    center, error = mean.values.ravel(), sd.values.ravel()
    low, high = wald_intervals([""] * len(center), center, error, prob)
    return pd.DataFrame({**keys, **interval_columns(center, error, low, high, prob)})
