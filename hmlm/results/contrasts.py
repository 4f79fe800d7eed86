"""Contrasts: linear combinations of parameters, ``b_high - b_low``, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.expression import parse
from hmlm.results.lookup import draws_of
from hmlm.results.table import estimates
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

Contrast = str | Mapping[str, float]
Contrasts = str | Sequence[str] | Mapping[str, Contrast]


def contrasts(fit: Fit, combinations: Contrasts, prob: float = 0.95) -> pd.DataFrame:
    """Estimate, error and interval of linear combinations of parameters.

    Args:
        combinations: text, ``"b_x - b_z"``, several of them, or by name text or weights,
            ``{"high - low": {"b_x": 1, "b_z": -1}}``. Coefficients may go without their ``b_``.
        prob: probability of the interval.

    Raises:
        HmlmError: text that cannot be read, weights that are no numbers, or an unknown name.
    """
    draws = contrast_draws(fit, combinations)
    columns = estimates(draws.transpose("contrast", "chain", "draw").values, prob)
    return pd.DataFrame(columns, index=pd.Index(draws["contrast"].values.tolist(), dtype=object))


def contrast_draws(fit: Fit, combinations: Contrasts) -> xr.DataArray:
    """Draws of contrasts, dims ``(chain, draw, contrast)``."""
    named = _named(combinations)
    shape = tuple(fit.posterior.sizes[dim] for dim in ("chain", "draw"))
    values = [np.broadcast_to(_combined(fit, contrast), shape) for _, contrast in named]
    coords = {dim: fit.posterior[dim] for dim in ("chain", "draw")}
    names = [name for name, _ in named]
    return xr.DataArray(np.stack(values, -1), {**coords, "contrast": names}, ("chain", "draw", "contrast"))


def _named(combinations: Contrasts) -> list[tuple[str, Contrast]]:
    match combinations:
        case str():
            found: list[tuple[str, Contrast]] = [(combinations, combinations)]
        case Mapping():
            found = [(str(name), contrast) for name, contrast in combinations.items()]
        case _:
            found = [(str(text), text) for text in combinations]
    for name, contrast in found:
        if not isinstance(contrast, str | Mapping) or not contrast:
            raise HmlmError(
                f"contrast {name!r}: give weights by parameter, {{'b_x': 1, 'b_z': -1}}, or text, 'b_x - b_z'"
            )
    if not found:
        raise HmlmError("give one contrast or more, fit.contrasts('b_x - b_z')")
    return found


def _combined(fit: Fit, contrast: Contrast) -> np.ndarray:
    if isinstance(contrast, str):
        expression = parse(contrast)
        return expression.evaluate({name: _draws(fit, name) for name in expression.names})
    return np.sum([_weight(name, weight) * _draws(fit, name) for name, weight in contrast.items()], axis=0)


def _draws(fit: Fit, name: str) -> np.ndarray:
    """Draws by full name, or of a coefficient without its ``b_``."""
    is_short = name not in fit.posterior and f"b_{name}" in fit.posterior
    return draws_of(fit, name, "b_" if is_short else "")


def _weight(name: str, weight: object) -> float:
    if not isinstance(weight, Real) or not np.isfinite(weight):
        raise HmlmError(f"the weight of '{name}' is {weight!r}: weights are finite numbers")
    return float(weight)
