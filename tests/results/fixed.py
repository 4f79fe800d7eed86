"""Fits of draws that are written down: every number of their tables follows by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from hmlm.results import Fit, Row

from .conftest import MELSM

Draws = Sequence[Sequence[float]]  # chains of draws


def fixed_fit(
    draws: Mapping[str, Draws],
    factors: Mapping[str, Sequence[str]] | None = None,
    effects: Mapping[str, xr.DataArray] | None = None,
    outcomes: Sequence[str] = ("y",),
    family: str = "gaussian",
) -> Fit:
    """A fit that holds these draws under these names.

    Args:
        draws: (C, S) by brms's name.
        factors: levels by grouping factor.
        effects: see :func:`effect`.
        outcomes: cleaned names.
        family: as printed.
    """
    factors = factors or {}
    rows = tuple(_row(name, list(factors)) for name in draws)
    variables = {name: (("chain", "draw"), np.array(values, dtype=float)) for name, values in draws.items()}
    posterior = xr.Dataset(variables)
    n_chains, n_draws = posterior.sizes["chain"], posterior.sizes["draw"]
    info = dataclasses.replace(
        MELSM,
        family=family,
        rows=rows,
        factors=tuple((name, len(levels)) for name, levels in factors.items()),
        chains=n_chains,
        draws=n_draws,
    )
    return Fit(
        info=info,
        posterior=posterior.assign_coords(chain=range(n_chains), draw=range(n_draws)),
        sample_stats=xr.Dataset(),
        effects_fn=lambda: dict(effects or {}),
        observed=xr.Dataset({name: ("row", np.zeros(3)) for name in outcomes}),
    )


def effect(name: str, factor: str, levels: Sequence[str], terms: Sequence[str], values) -> xr.DataArray:
    """Group effects ``name`` of draws (C, S, J, Q)."""
    array = np.array(values, dtype=float)
    coords = {"chain": range(array.shape[0]), "draw": range(array.shape[1])}
    dims = ("chain", "draw", factor, "term")
    return xr.DataArray(array, {**coords, factor: list(levels), "term": list(terms)}, dims, name=name)


def _row(name: str, factors: list[str]) -> Row:
    for factor in factors:
        for kind in ("sd", "cor"):
            prefix = f"{kind}_{factor}__"
            if name.startswith(prefix):
                return Row(name, f"{kind}({name.removeprefix(prefix)})", "group", factor)
    if name.startswith("b_"):
        return Row(name, name.removeprefix("b_"), "population")
    return Row(name, name, "residual" if name.startswith("rescor") else "family")


def slopes() -> Fit:
    """Two chains of two draws; three terms vary by ``id``, ``z`` does not, ``w`` has no coefficient."""
    draws = {
        "sd_id__Intercept": [[1, 2], [1, 2]],
        "sd_id__x": [[0.5, 0.5], [1, 1]],
        "sd_id__w": [[3, 3], [3, 3]],
        "cor_id__Intercept__x": [[0.5, -0.5], [0, 1]],
        "b_Intercept": [[10, 20], [30, 40]],
        "b_x": [[1, 2], [3, 4]],
        "b_z": [[-1, -1], [-1, 3]],
        "sigma": [[2, 2], [2, 2]],
    }
    values = np.arange(24).reshape(2, 2, 2, 3)
    r_id = effect("r_id", "id", ("a", "b"), ("Intercept", "x", "w"), values)
    return fixed_fit(draws, {"id": ("a", "b")}, {"r_id": r_id})
