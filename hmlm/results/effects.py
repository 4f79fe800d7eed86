"""Group effects: ``r_id``, ``r_id__sigma``, … with dims ``(chain, draw, <factor>, term)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.table import estimates
from hmlm.results.unknown import check_factor

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

Effects = Mapping[str, xr.DataArray]


def ranef(
    fit: Fit, summary: bool = True, groups: str | Sequence[str] | None = None, prob: float = 0.95
) -> dict[str, pd.DataFrame] | dict[str, xr.DataArray]:
    """Group effects by factor: deviations from the population-level coefficients.

    Args:
        summary: True gives a row per level and term, False the draws, dims
            ``(chain, draw, <factor>, term)``.
        groups: the factors wanted; None takes all.
        prob: probability of the interval.
    """
    return tidy(fit.effects, groups, prob) if summary else joined(fit.effects, groups)


def to_dataset(effects: Effects) -> xr.Dataset:
    """All effects in one dataset; each variable gets a term dimension of its own, ``r_id_term``."""
    return xr.Dataset({name: array.rename(term=f"{name}_term") for name, array in effects.items()})


def from_dataset(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Undo :func:`to_dataset`."""
    return {str(name): array.rename({f"{name}_term": "term"}) for name, array in dataset.items()}


def factor_of(array: xr.DataArray) -> str:
    """The grouping factor: the dimension between draws and terms."""
    return str(array.dims[2])


def scalars(effects: Effects) -> tuple[list[str], np.ndarray]:
    """Each single effect with brms's name, ``r_id[1,Intercept]``: P names and (P, C, S) draws."""
    names = [
        f"{name}[{level},{term}]"
        for name, array in effects.items()
        for level in array.coords[factor_of(array)].values
        for term in array.coords["term"].values
    ]
    return names, np.concatenate([_by_scalar(array) for array in effects.values()])


def _by_scalar(array: xr.DataArray) -> np.ndarray:
    """(J Q, C, S) draws, the terms of one level side by side."""
    n_chains, n_draws = array.shape[:2]
    return array.values.reshape(n_chains, n_draws, -1).transpose(2, 0, 1)


def joined(effects: Effects, groups: str | Sequence[str] | None = None) -> dict[str, xr.DataArray]:
    """Per factor the draws of all its effects, dims ``(chain, draw, factor, term)``.

    Terms of other predictors than a single outcome's mean carry its name: ``sigma_Intercept``.
    """
    return {factor: _of_factor(effects, factor) for factor in _chosen(effects, groups)}


def tidy(effects: Effects, groups: str | Sequence[str] | None, prob: float) -> dict[str, pd.DataFrame]:
    """Per factor one row per level and term: estimate, error and interval."""
    return {factor: tidied(array, prob) for factor, array in joined(effects, groups).items()}


def _chosen(effects: Effects, groups: str | Sequence[str] | None) -> list[str]:
    known = list(dict.fromkeys(factor_of(array) for array in effects.values()))
    wanted = known if groups is None else [groups] if isinstance(groups, str) else list(groups)
    for factor in wanted:
        check_factor(factor, known)
    return wanted


def _of_factor(effects: Effects, factor: str) -> xr.DataArray:
    parts = [
        array.assign_coords(term=_qualified(name, factor, array))
        for name, array in effects.items()
        if factor_of(array) == factor
    ]
    return xr.concat(parts, dim="term", join="exact").rename(f"r_{factor}")


def _qualified(name: str, factor: str, array: xr.DataArray) -> list[str]:
    """Terms as brms's ``ranef`` names them: ``sigma_Intercept`` for ``r_id__sigma``."""
    prefix = name.removeprefix(f"r_{factor}").removeprefix("__")
    return [f"{prefix}_{term}" if prefix else str(term) for term in array.coords["term"].values]


def tidied(array: xr.DataArray, prob: float) -> pd.DataFrame:
    """One row per level and term: estimate, error and interval of draws (chain, draw, factor, term)."""
    levels, terms = array.coords[factor_of(array)].values, array.coords["term"].values
    keys = {"level": np.repeat(levels, len(terms)), "term": np.tile(terms, len(levels))}
    return pd.DataFrame({**keys, **estimates(_by_scalar(array), prob)})
