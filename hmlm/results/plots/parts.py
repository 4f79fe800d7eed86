"""The parts of a model as figures call them: the mean of an outcome, its log standard deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from hmlm.results.plots.choose import default_or, design_of, predictor_index, spec_of
from hmlm.spec.names import effects_name
from hmlm.spec.spec import JOINT, Spec
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

UNITS = {"trials": "trial", "rate": "unit"}  # of addition terms that the expected outcome grows with


def column_of(fit: Fit, response: int) -> str:
    """An outcome as the user's table has it, ``"PA.std"``."""
    return fit.design.outcomes[response].column if fit.design else spec_of(fit).outcomes[response]


def outcome_shown(fit: Fit, response: int) -> tuple[np.ndarray, str]:
    """(N,) an outcome as figures along a column show it, per trial or unit of its rate, and its name."""
    outcome, column = design_of(fit).outcomes[response], column_of(fit, response)
    values = outcome.values
    for name, unit in UNITS.items():
        if name in outcome.additions:
            values, column = values / outcome.additions[name], f"{column} per {unit}"
    return values, column


def part_title(fit: Fit, predictor: int) -> str:
    """``"mean of PA.std"``, ``"log sigma of PA.std"``, ``"logit mean of y"``."""
    spec = spec_of(fit)
    found = spec.predictors[predictor]
    link, column = spec.link(predictor), column_of(fit, found.response)
    if found.response == JOINT:
        return f"{link} {found.dpar}"
    if found.dpar == "mu" and spec.family.log_outcome:
        column = f"log {column}"
    what = "mean" if found.dpar == "mu" else found.dpar
    return f"{what} of {column}" if link == "identity" else f"{link} {what} of {column}"


def varying(spec: Spec, predictor: int) -> dict[str, list[str]]:
    """Per grouping factor the coefficients of a predictor that vary by it."""
    found: dict[str, list[str]] = {}
    for block in spec.blocks:
        names = [block.terms[q].name for q in block.order if block.terms[q].predictor == predictor]
        if names:
            found.setdefault(spec.factors[block.factor].name, []).extend(names)
    return found


def effect_draws(fit: Fit, factor: str, predictor: int, term: str) -> xr.DataArray:
    """Draws (chain, draw, factor) of one group effect."""
    spec = spec_of(fit)
    index = [f.name for f in spec.factors].index(factor)
    return fit.effects[effects_name(spec, index, predictor)].sel(term=term, drop=True)


def coefficient_draws(fit: Fit, predictor: int, term: str) -> xr.DataArray:
    """Draws (chain, draw) of a population-level coefficient; zeros where the model has none of that name."""
    name = f"b_{prefixed(spec_of(fit), predictor, term)}"
    if name in fit.posterior:
        return fit.posterior[name]
    return xr.zeros_like(fit.posterior[fit.info.rows[0].variable])


def level_names(fit: Fit, factor: str) -> list[str]:
    """The factor's levels as text."""
    return next(list(f.levels) for f in spec_of(fit).factors if f.name == factor)


def scale_factor(fit: Fit, response: int, group: str | None) -> tuple[int, str]:
    """The predictor of log sigma and the factor by which its intercept varies.

    Raises:
        HmlmError: sigma has no formula, or no intercept in it that varies.
    """
    spec = spec_of(fit)
    predictor = predictor_index(spec, response, "sigma")
    if "sigma" not in spec.family.dpars:
        raise HmlmError(f"the family {spec.family.name} has no sigma; this figure is of models with one")
    if predictor is None:
        raise HmlmError(
            "everybody has the same sigma in this model: give sigma a formula of its own, "
            'say bf("y ~ 1 + (1 |c| id)", sigma="~ 1 + (1 |c| id)")'
        )
    return predictor, intercept_factor(spec, predictor, group, "sigma")


def intercept_factor(spec: Spec, predictor: int, group: str | None, dpar: str) -> str:
    """The grouping factor by which a predictor's intercept varies.

    Raises:
        HmlmError: it varies by none, or by several and ``group`` is None.
    """
    factors = [name for name, terms in varying(spec, predictor).items() if "Intercept" in terms]
    if not factors:
        raise HmlmError(f"the intercept of {dpar} varies by no factor: the formula needs (1 | id)")
    return default_or(group, factors, "group", f"factor by which the intercept of {dpar} varies")


def prefixed(spec: Spec, predictor: int, term: str) -> str:
    """A term as brms's names of sd and cor have it, ``"sigma_Intercept"``."""
    prefix = spec.predictors[predictor].prefix
    return f"{prefix}_{term}" if prefix else term


def correlation_draws(fit: Fit, factor: str, terms: tuple[str, str]) -> xr.DataArray | None:
    """Draws (chain, draw) of the correlation of two prefixed terms; None where the model has none."""
    orders = (f"cor_{factor}__{first}__{second}" for first, second in (terms, terms[::-1]))
    return next((fit.posterior[name] for name in orders if name in fit.posterior), None)
