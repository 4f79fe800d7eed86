"""The fit as ArviZ's groups: an ``InferenceData`` with ArviZ 0.x, a ``DataTree`` from 1.0 on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

SLASH, STAND_IN = "/", "\N{DIVISION SLASH}"


def to_datatree(groups: Mapping[str, xr.Dataset], attrs: Mapping[str, str] | None = None) -> xr.DataTree:
    """One tree of the groups; a "/" in a name, a path separator in HDF5, gets a stand-in."""
    tree = xr.DataTree.from_dict({name: _renamed(data, SLASH, STAND_IN) for name, data in groups.items()})
    tree.attrs = dict(attrs or {})
    return tree


def from_datatree(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Undo :func:`to_datatree`."""
    return {name: _renamed(node.to_dataset(), STAND_IN, SLASH) for name, node in tree.children.items()}


def to_arviz(tree: xr.DataTree) -> Any:
    """The object that the installed ArviZ works with."""
    import arviz  # takes a second, and most fits never need it

    old = arviz.__version__.startswith("0.")
    return arviz.InferenceData.from_datatree(tree) if old else tree


def _renamed(data: xr.Dataset, old: str, new: str) -> xr.Dataset:
    names = {str(name) for name in (*data.variables, *data.dims)}
    return data.rename({name: name.replace(old, new) for name in names if old in name})
