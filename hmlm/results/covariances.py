"""Covariance matrices of group effects and residuals, draw by draw."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from hmlm.results.lookup import values_of

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

RESIDUAL = "Residual"


@dataclass(frozen=True)
class Component:
    """One source of variance, a grouping factor or the residuals.

    Attributes:
        group: its name.
        terms: Q names, ``"Intercept"``, ``"sigma_Intercept"``; outcomes of residuals, ``""`` for a lone one.
        sd: (Q, C, S) standard deviations.
        pairs: positions of the pairs whose correlation is a parameter, the later one first.
        cor: (len(pairs), C, S) their correlations.
    """

    group: str
    terms: tuple[str, ...]
    sd: np.ndarray
    pairs: tuple[tuple[int, int], ...]
    cor: np.ndarray

    def covariance(self) -> np.ndarray:
        """(C, S, Q, Q) covariance matrices; pairs without a correlation have 0."""
        n_chains, n_draws = self.sd.shape[1:]
        out = np.zeros((n_chains, n_draws, len(self.terms), len(self.terms)))
        for i, sd in enumerate(self.sd):
            out[:, :, i, i] = sd**2
        for (i, j), cor in zip(self.pairs, self.cor, strict=True):
            out[:, :, i, j] = out[:, :, j, i] = cor * self.sd[i] * self.sd[j]
        return out


def components(fit: Fit) -> tuple[Component, ...]:
    """The model's sources of variance: factors in the summary's order, then residuals.

    Residuals are left out where sigma has a formula: they have no one standard deviation then.
    """
    groups = dict.fromkeys(row.group for row in fit.info.rows if row.section == "group")
    residual = [_residual(fit)] if _constant_sigmas(fit) else []
    return (*(_of_factor(fit, group) for group in groups), *residual)


def sigma_names(fit: Fit) -> dict[str, str]:
    """Per outcome the parameter that would hold its constant residual sd; ``""`` is a lone outcome."""
    outcomes = [str(name) for name in fit.observed.data_vars]
    return {name: f"sigma_{name}" for name in outcomes} if len(outcomes) > 1 else {"": "sigma"}


def covariance_draws(fit: Fit) -> dict[str, xr.DataArray]:
    """Covariance matrices by group, dims ``(chain, draw, term, term2)``."""
    base = {dim: fit.posterior[dim] for dim in ("chain", "draw")}

    def array(component: Component) -> xr.DataArray:
        coords = {**base, "term": list(component.terms), "term2": list(component.terms)}
        dims = ("chain", "draw", "term", "term2")
        return xr.DataArray(component.covariance(), coords, dims, name=f"cov_{component.group}")

    return {component.group: array(component) for component in components(fit)}


def _of_factor(fit: Fit, group: str) -> Component:
    prefix = f"sd_{group}__"
    names = [row.variable for row in fit.info.rows if row.group == group and row.variable.startswith(prefix)]
    terms = tuple(name.removeprefix(prefix) for name in names)
    return _component(fit, group, terms, names, f"cor_{group}__")


def _residual(fit: Fit) -> Component:
    sigmas = _constant_sigmas(fit)
    return _component(fit, RESIDUAL, tuple(sigmas), list(sigmas.values()), "rescor__")


def _constant_sigmas(fit: Fit) -> dict[str, str]:
    return {outcome: name for outcome, name in sigma_names(fit).items() if name in fit.posterior}


def _component(fit: Fit, group: str, terms: tuple[str, ...], sd_names: list[str], prefix: str) -> Component:
    found = {
        (i, j): name
        for j, i in combinations(range(len(terms)), 2)
        for name in (f"{prefix}{terms[j]}__{terms[i]}", f"{prefix}{terms[i]}__{terms[j]}")
        if name in fit.posterior
    }
    shape = tuple(fit.posterior.sizes[dim] for dim in ("chain", "draw"))
    return Component(
        group=group,
        terms=terms,
        sd=_stacked(fit, sd_names, shape),
        pairs=tuple(found),
        cor=_stacked(fit, list(found.values()), shape),
    )


def _stacked(fit: Fit, names: list[str], shape: tuple[int, ...]) -> np.ndarray:
    return np.array([values_of(fit.posterior[name]) for name in names]).reshape(-1, *shape)
