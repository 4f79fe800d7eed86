"""Draws of one scalar parameter by brms's name: ``b_day``, ``r_id[3,Intercept]``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from hmlm.results.unknown import unknown
from hmlm.spec.hint import did_you_mean
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

EFFECT = re.compile(r"(r_[^\[\]]+)\[(.+),([^,]+)\]")


def draws_of(fit: Fit, name: str, prefix: str = "") -> np.ndarray:
    """(C, S) draws of the parameter ``prefix + name``.

    Args:
        fit: the posterior.
        name: as the user wrote it.
        prefix: what the class adds before it: ``"b_"``, ``"sd_id__"``, ``""``.

    Raises:
        HmlmError: there is none of that name; the message has the nearest one.
    """
    full = prefix + name
    if full in fit.posterior.data_vars:
        return values_of(fit.posterior[full])
    effect = EFFECT.fullmatch(full)
    if effect is not None:
        return _effect(fit, *effect.groups())
    raise _missing(fit, name, prefix)


def values_of(array: xr.DataArray) -> np.ndarray:
    """(C, S) float64 values of a scalar parameter."""
    return np.asarray(array.transpose("chain", "draw").values, dtype=float)


def _effect(fit: Fit, name: str, level: str, term: str) -> np.ndarray:
    array = fit[name]
    factor = str(array.dims[2])
    chosen = {factor: level.strip(), "term": term.strip()}
    for dim, wanted in chosen.items():
        known = [str(value) for value in array.coords[dim].values]
        if wanted not in known:
            kind = "term" if dim == "term" else f"level of {dim!r}"
            raise HmlmError(f"{name}[{level},{term}]: no {kind} {wanted!r}{did_you_mean(wanted, known)}")
    return values_of(array.sel(chosen))


def _missing(fit: Fit, name: str, prefix: str) -> HmlmError:
    everything = [str(variable) for variable in fit.posterior.data_vars]
    what = f"no parameter '{prefix}{name}'"
    if prefix and name in everything:
        return HmlmError(
            f"{what}, but there is '{name}': say class_=None and write every name in full, b_ before "
            "coefficients"
        )
    known = [variable.removeprefix(prefix) for variable in everything if variable.startswith(prefix)]
    return unknown(what, name, known) if known else HmlmError(f"{what}; no parameter starts with '{prefix}'")
