"""Each level's own coefficients, as brms's ``coef``: population level plus group effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.convergence import stack
from hmlm.results.effects import factor_of, joined, tidied
from hmlm.results.table import estimates
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

Groups = str | Sequence[str] | None


def coef(
    fit: Fit, groups: Groups = None, summary: bool = True, prob: float = 0.95
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
    return _tables(fit, groups, prob) if summary else _coef_draws(fit, groups)


def _coef_draws(fit: Fit, groups: Groups) -> dict[str, xr.DataArray]:
    """Per factor the draws of all coefficients of its levels, dims ``(chain, draw, factor, term)``.

    Terms that vary come first, then those that are the same for every level.
    """
    return {factor: _completed(fit, array) for factor, array in _varying(fit, groups).items()}


def _tables(fit: Fit, groups: Groups, prob: float) -> dict[str, pd.DataFrame]:
    """Per factor a row per level and term: estimate, error and interval."""
    return {factor: _table(fit, array, prob) for factor, array in _varying(fit, groups).items()}


def _varying(fit: Fit, groups: Groups) -> dict[str, xr.DataArray]:
    """Draws of the coefficients that vary, with what the population has of them."""
    if not fit.info.factors:
        raise HmlmError("the model has no group effects: fit.fixef() has its coefficients")
    return {factor: array + _population(fit, array) for factor, array in joined(fit.effects, groups).items()}


def _population(fit: Fit, array: xr.DataArray) -> xr.DataArray:
    """(chain, draw, term) population-level counterparts of an array's terms, 0 where there is none."""
    zero = np.zeros(tuple(fit.posterior.sizes[dim] for dim in ("chain", "draw")))
    parts = [_draws(fit, f"b_{term}", zero) for term in array["term"].values]
    coords = {dim: array[dim] for dim in ("chain", "draw", "term")}
    return xr.DataArray(np.stack(parts, axis=-1), coords, ("chain", "draw", "term"))


def _draws(fit: Fit, name: str, otherwise: np.ndarray) -> np.ndarray:
    return fit.posterior[name].transpose("chain", "draw").values if name in fit.posterior else otherwise


def _common(fit: Fit, array: xr.DataArray) -> list[str]:
    """Population-level terms that do not vary by this factor."""
    own = [row.variable for row in fit.info.rows if row.section == "population"]
    rows = [name.removeprefix("b_") for name in own if name.startswith("b_")]
    return [term for term in rows if term not in array["term"].values]


def _completed(fit: Fit, array: xr.DataArray) -> xr.DataArray:
    factor, common = factor_of(array), _common(fit, array)
    name = f"coef_{factor}"
    if not common:
        return array.rename(name)
    values = stack(fit.posterior[f"b_{term}"] for term in common).transpose(1, 2, 0)
    coords = {dim: array[dim] for dim in ("chain", "draw")}
    same = xr.DataArray(values, {**coords, "term": common}, ("chain", "draw", "term"))
    everywhere = same.expand_dims({factor: array[factor].values}, axis=2)
    return xr.concat([array, everywhere], dim="term", join="exact").rename(name)


def _table(fit: Fit, array: xr.DataArray, prob: float) -> pd.DataFrame:
    """Terms that do not vary are summarised once, and repeated."""
    own, common = tidied(array, prob), _common(fit, array)
    if not common:
        return own
    levels = array[factor_of(array)].values
    columns = estimates(stack(fit.posterior[f"b_{term}"] for term in common), prob)
    same = {name: np.tile(values, len(levels)) for name, values in columns.items()}
    keys = {"level": np.repeat(levels, len(common)), "term": np.tile(common, len(levels))}
    both = pd.concat([own, pd.DataFrame({**keys, **same})])
    position = {level: i for i, level in enumerate(levels)}
    return both.sort_values("level", key=lambda s: s.map(position), kind="stable", ignore_index=True)
