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

NAME = "density.npz"


def kept_density(folder: Folder, density: LogDensity) -> LogDensity:
    """The density with the arrays of the run, which are written if they are not there yet.

    Raises:
        DamagedError: the file is damaged, or of a density that this hmlm would build otherwise.
    """
    path = folder.path / NAME
    leaves, structure = jax.tree.flatten(density.data)
    if not path.exists():
        arrays = {f"data/{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
        write_part(path, folder.run, {**arrays, "initial": density.initial}, {})
        return density
    arrays, _ = read_part(path, folder.run)
    stored = [arrays.get(f"data/{i}") for i in range(len(arrays) - 1)]
    if [_kind(leaf) for leaf in stored] != [_kind(leaf) for leaf in leaves]:
        raise DamagedError(
            f"'{path}' holds a density that this hmlm builds otherwise: use the hmlm that began it"
        )
    with double_precision():
        data = jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in stored])
    return replace(density, data=data, initial=arrays["initial"])


def _kind(leaf: object) -> tuple[tuple[int, ...], str]:
    array = np.asarray(leaf)
    return array.shape, array.dtype.str
