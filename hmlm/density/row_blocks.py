"""Rows a block at a time, for all draws: what leave-one-out needs without holding every row of every draw.

Group effects are recovered once; each block then reads its own rows alone, in a program compiled once. Where
residuals of a series have a correlation matrix it reads all rows and keeps its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.data import ModelData, centred_as, make_data
from hmlm.density.draws import NamedDraws
from hmlm.density.laws.registry import law_of
from hmlm.density.log_density import DRAWS_AT_A_TIME, LogDensity
from hmlm.density.named import parameters_of
from hmlm.density.pointwise import each_below, each_cdf, each_row
from hmlm.density.precision import double_precision
from hmlm.spec.spec import Spec
from hmlm.types import Design, Factor

Quantity = Callable[..., Array]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Levels:
    """(1, n) level of one factor in each row of a block."""

    index: Array

    def expand(self, values: Array) -> Array:
        """Value of each row's level: (J,) to (1, n)."""
        return values[self.index]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SeveralLevels:
    """(1, n, M) levels of one factor in each row of a block, and their weights."""

    index: Array
    weights: Array

    def expand(self, values: Array) -> Array:
        """Weighted sum over each row's levels: (J,) to (1, n)."""
        return jnp.sum(self.weights * values[self.index], axis=-1)


@dataclass(frozen=True)
class RowBlock:
    """Some rows for all S draws.

    Attributes:
        rows: which.
        log_lik: (n, S) log densities given the group effects.
        cdf: (M, n, S) probabilities of outcomes of at most those observed; None if not asked for.
        below: (M, n, S) probabilities of smaller outcomes where they are counts; None for others, of which
            ``cdf`` says the same.
    """

    rows: slice
    log_lik: np.ndarray
    cdf: np.ndarray | None = None
    below: np.ndarray | None = None


Groups = tuple[Levels | SeveralLevels, ...]


def row_blocks(
    density: LogDensity, design: Design, draws: NamedDraws, size: int, cdf: bool
) -> Iterator[RowBlock]:
    """All rows of a design, in order, in blocks of ``size`` (the last may be shorter).

    Args:
        density: the model.
        design: the rows that the model was fitted to, or others of the same columns and levels.
        draws: S in all.
        size: rows per block.
        cdf: whether the blocks hold probabilities too.
    """
    size, spec = min(size, design.n_rows), density.static.spec
    with double_precision():
        model = centred_as(make_data(density.spec, design, density.plan)[0], density.data.model)
        parameters, u = draws.parameters(), draws.effects()
    quantities = _probabilities(spec) if cdf else ()
    for start in range(0, design.n_rows, size):
        stop = min(start + size, design.n_rows)
        rows = np.minimum(np.arange(start, start + size), design.n_rows - 1)
        with double_precision():
            index = (_levels(design, rows), _levels(design, _rows_before(design, rows)))
        values = lambda quantity, at=(rows, index): _values(quantity, spec, parameters, u, at, model)  # noqa: E731
        log_lik = values(each_row)[:, 0, : stop - start].T
        found = [values(one)[:, :, 0, : stop - start].transpose(1, 2, 0) for one in quantities]
        yield RowBlock(slice(start, stop), log_lik, *found)


def _probabilities(spec: Spec) -> tuple[Quantity, ...]:
    return (each_cdf, each_below) if law_of(spec.family).discrete else (each_cdf,)


def _values(
    quantity: Quantity,
    spec: Spec,
    draws: Array,
    effects: tuple[Array, ...],
    at: tuple[np.ndarray, tuple[Groups, Groups]],
    data: ModelData,
) -> np.ndarray:
    with double_precision():
        rows, index = at
        block = (jnp.asarray(rows), *index)
        return np.asarray(_evaluate(quantity, spec, draws, effects, block, data))


@jax.jit(static_argnums=(0, 1))
def _evaluate(
    quantity: Quantity,
    spec: Spec,
    draws: Array,
    effects: tuple[Array, ...],
    block: tuple[Array, Groups, Groups],
    data: ModelData,
) -> Array:
    model = data if spec.repeated else _block_data(data, *block)
    kept = data.order[block[0]]

    def one(arguments: tuple[Array, tuple[Array, ...]]) -> Array:
        row, u = arguments
        found = quantity(spec, parameters_of(spec, row, data), list(u), model)
        return found.reshape(*found.shape[:-2], 1, -1)[..., kept] if spec.repeated else found

    return jax.lax.map(one, (draws, effects), batch_size=DRAWS_AT_A_TIME)


def _levels(design: Design, rows: np.ndarray) -> Groups:
    return tuple(_levels_of(factor, rows) for factor in design.factors)


def _levels_of(factor: Factor, rows: np.ndarray) -> Levels | SeveralLevels:
    if factor.members is None:
        return Levels(jnp.asarray(factor.index[rows])[None])
    index, weights = factor.members.index[rows], factor.members.weights[rows]
    return SeveralLevels(jnp.asarray(index)[None], jnp.asarray(weights)[None])


def _rows_before(design: Design, rows: np.ndarray) -> np.ndarray:
    """The row before each in its series, the row itself where there is none."""
    series = design.outcomes[0].series
    return rows if series is None else np.where(series.previous[rows] < 0, rows, series.previous[rows])


def _block_data(model: ModelData, rows: Array, index: Groups, before: Groups) -> ModelData:
    """The model's arrays for (n,) rows of the table, as one tile.

    ``index`` has the rows' levels by factor, ``before`` those of the rows before them in their series.
    """
    place = model.order[rows]
    chosen = lambda array: array.reshape(len(array), -1)[:, None, place]  # noqa: E731
    alone = lambda array: chosen(array[None])[0]  # noqa: E731
    return replace(
        model,
        offsets=jax.tree.map(alone, model.offsets),
        additions=jax.tree.map(alone, model.additions),
        log_jacobian=jax.tree.map(alone, model.log_jacobian),
        outcomes=chosen(model.outcomes),
        columns=chosen(model.columns),
        groups=index,
        order=jnp.arange(len(rows)),
        lagged=model.lagged and _block_data(model.lagged, rows, before, before),
    )
