"""Draws as long or wide tables in the manner of tidybayes: a row per draw, or per draw and level.

Columns ``.chain`` and ``.iteration`` count as ``fit.posterior`` does, from 0; ``.draw`` numbers the draws of
all chains.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from hmlm.results.unknown import unknown
from hmlm.types import HmlmError

if TYPE_CHECKING:
    from hmlm.results.fit import Fit

INDEXED = re.compile(r"(?P<name>.+)\[(?P<indices>[^\[\]]*)\]")
PLAIN = re.compile(r"[\w.:]+")  # a name, not a pattern
DRAW_DIMS = ("chain", "draw")
DRAW_COLUMNS = (".chain", ".iteration", ".draw")


@dataclass(frozen=True)
class Request:
    """One argument: a name or regular expression, and what to call the indices of what it finds."""

    pattern: str
    indices: tuple[str, ...] | None = None


def gather_draws(fit: Fit, *variables: str) -> pd.DataFrame:
    """Draws as a long table: ``.chain``, ``.iteration``, ``.draw``, indices, ``.variable``, ``.value``.

    Args:
        variables: names, or regular expressions that match names whole, ``"b_.*"``; the indices of group
            effects can be named, ``"r_id[person, term]"``.

    Raises:
        HmlmError: nothing of that name.
    """
    arrays = _arrays(fit, variables)
    names = [str(array.name) for array in arrays]
    parts = [_wide([array.rename(".value")]) for array in arrays]
    frame = _concatenated(parts)
    codes = np.repeat(np.arange(len(names)), [len(part) for part in parts])
    frame.insert(frame.columns.get_loc(".value"), ".variable", pd.Categorical.from_codes(codes, names))
    return frame


def spread_draws(fit: Fit, *variables: str) -> pd.DataFrame:
    """Draws as a wide table: a column per variable, joined by draw and by indices of the same name.

    ``fit.spread_draws("b_Intercept", "r_id[id, term]")`` has a row per draw, id and term. Indices keep
    only what all variables have.

    Args:
        variables: as of :func:`gather_draws`.

    Raises:
        HmlmError: nothing of that name.
    """
    return _wide(_arrays(fit, variables))


# --- which variables ------------------------------------------------------------------------------


def _arrays(fit: Fit, requests: Sequence[str]) -> list[xr.DataArray]:
    """The variables asked for, each once, their dimensions named as asked."""
    if not requests or not all(isinstance(text, str) for text in requests):
        raise HmlmError("name the variables: fit.spread_draws('b_Intercept', 'r_id[id, term]')")
    found = {array.name: array for text in requests for array in _found(fit, text)}
    return list(found.values())


def _found(fit: Fit, text: str) -> list[xr.DataArray]:
    request = _request(fit, text)
    variables = _searched(fit, request.pattern)
    if request.pattern in variables:
        names = [request.pattern]
    else:
        names = [name for name in variables if _matches(request.pattern, name)]
    if not names:
        raise _nothing(request.pattern, variables)
    return [_named(fit[name].rename(name), request.indices, text) for name in names]


def _request(fit: Fit, text: str) -> Request:
    """``r_id[id, term]`` has indices; other square brackets are part of a regular expression."""
    indexed = INDEXED.fullmatch(text.strip())
    if indexed is None:
        return Request(text.strip())
    if indexed["name"] not in _searched(fit, text) and not indexed["name"].startswith(("r_", "^r_")):
        return Request(text.strip())
    indices = tuple(name.strip() for name in indexed["indices"].split(","))
    _check_indices(text, indices)
    return Request(indexed["name"], indices)


def _check_indices(text: str, indices: tuple[str, ...]) -> None:
    taken = {*DRAW_COLUMNS, ".variable", ".value", *DRAW_DIMS}
    if len(set(indices)) < len(indices) or not all(indices) or taken & set(indices):
        raise HmlmError(f"`{text}`: between the brackets stand names for columns, as in r_id[id, term]")


def _searched(fit: Fit, pattern: str) -> list[str]:
    """Names to look among: group effects, which take time to make, only where one is asked for."""
    if pattern.startswith(("r_", "^r_", "(r_", "^(r_")):
        return list(fit.effects)
    return [str(name) for name in fit.posterior.data_vars]


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error as error:
        raise HmlmError(f"`{pattern}` is no variable and no regular expression: {error}") from error


def _nothing(pattern: str, names: list[str]) -> HmlmError:
    is_name = PLAIN.fullmatch(pattern) is not None
    what = f"no variable '{pattern}'" if is_name else f"no variable matches `{pattern}`"
    return unknown(what, pattern, names)


def _named(array: xr.DataArray, indices: tuple[str, ...] | None, text: str) -> xr.DataArray:
    dims = [str(dim) for dim in array.dims if dim not in DRAW_DIMS]
    if indices is None:
        return array
    if len(indices) != len(dims):
        raise HmlmError(f"`{text}`: '{array.name}' has {len(dims)} indices ({', '.join(dims) or 'none'})")
    return array.rename({old: f"\0{new}" for old, new in zip(dims, indices, strict=True)}).rename(
        {f"\0{new}": new for new in indices}
    )


# --- tables ---------------------------------------------------------------------------------------


def _wide(arrays: Sequence[xr.DataArray]) -> pd.DataFrame:
    """A row per chain, draw and index, a column per array; levels that one of them lacks are left out."""
    aligned = xr.align(*arrays, join="inner")
    dims = list(dict.fromkeys([*DRAW_DIMS, *(str(dim) for array in aligned for dim in array.dims)]))
    sizes = reduce(lambda found, array: found | dict(array.sizes), aligned, {})
    shape = tuple(sizes[dim] for dim in dims)
    labels = {dim: next(array[dim].values for array in aligned if dim in array.dims) for dim in dims}
    columns = _draw_columns(labels, shape)
    for axis, dim in enumerate(dims[2:], start=2):
        categories = [str(label) for label in labels[dim]]
        columns[dim] = pd.Categorical.from_codes(_positions(shape, axis), categories)
    for array in aligned:
        columns[str(array.name)] = np.broadcast_to(_in_order(array, dims), shape).ravel()
    return pd.DataFrame(columns)


def _in_order(array: xr.DataArray, dims: list[str]) -> np.ndarray:
    """Values with every dimension of ``dims``, of length 1 where the array lacks it."""
    missing = [dim for dim in dims if dim not in array.dims]
    return array.expand_dims(missing).transpose(*dims).values


def _draw_columns(labels: dict[str, np.ndarray], shape: tuple[int, ...]) -> dict:
    chain, draw = _positions(shape, 0), _positions(shape, 1)
    values = (labels["chain"][chain], labels["draw"][draw], chain * shape[1] + draw)
    return dict(zip(DRAW_COLUMNS, values, strict=True))


def _positions(shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Position along an axis of each element in C order."""
    along = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return np.broadcast_to(along, shape).ravel()


def _concatenated(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Parts below each other: draws, then the indices of any of them, then the value."""
    indices = dict.fromkeys(name for part in parts for name in part.columns[3:-1])
    for name in indices:
        levels = list(dict.fromkeys(level for p in parts if name in p for level in p[name].cat.categories))
        for part in parts:
            missing = pd.Categorical.from_codes(np.full(len(part), -1), levels)
            part[name] = part[name].cat.set_categories(levels) if name in part else missing
    order = [*DRAW_COLUMNS, *indices, ".value"]
    return pd.concat([part[order] for part in parts], ignore_index=True)
