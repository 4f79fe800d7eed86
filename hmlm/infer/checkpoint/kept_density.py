"""The arrays of the density that a run samples, so that another process samples just the same.

They come from a pilot estimate, and positions mean nothing without them.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from hmlm.density.log_density import LogDensity
from hmlm.density.precision import double_precision
from hmlm.infer.checkpoint.folder import Folder
from hmlm.infer.checkpoint.parts import DamagedError, read_part, write_part

NAME, DATA, POINTS = "density.npz", "data/", "points"


def kept_density(
    folder: Folder, density: LogDensity, points: np.ndarray | None = None
) -> tuple[LogDensity, np.ndarray | None]:
    """The density with the arrays of the run, and where its chains were told to start.

    Args:
        folder: of the run; what it does not hold yet is written.
        density: of the same model.
        points: (C, D) given starting points.

    Raises:
        DamagedError: the file is damaged, or of a density that this hmlm would build otherwise.
    """
    path = folder.path / NAME
    leaves, structure = jax.tree.flatten(density.data)
    if not path.exists():
        given = {} if points is None else {POINTS: points}
        arrays = {f"{DATA}{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
        write_part(path, folder.run, {**arrays, "initial": density.initial, **given}, {})
        return density, points
    arrays, _ = read_part(path, folder.run)
    stored = [arrays.get(f"{DATA}{i}") for i in range(sum(name.startswith(DATA) for name in arrays))]
    if [_kind(leaf) for leaf in stored] != [_kind(leaf) for leaf in leaves]:
        raise DamagedError(f"'{path}': this hmlm builds another density; use the one that began the run")
    with double_precision():
        data = jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in stored])
    return replace(density, data=data, initial=arrays["initial"]), arrays.get(POINTS)


def _kind(leaf: object) -> tuple[tuple[int, ...], str]:
    array = np.asarray(leaf)
    return array.shape, array.dtype.str
