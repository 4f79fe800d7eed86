"""What can be read off stored draws: parameters by name with their group effects, not sampling coordinates.

Coordinates depend on the pilot estimate and the plan of the hmlm that sampled; named parameters do not, so
that draws stay readable whatever later versions do. Values agree with those at the positions to rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.groupwise import LeftOut, LeftOutData, leave_out, of_draw
from hmlm.density.log_density import DRAWS_AT_A_TIME, LogDensity, with_integrated
from hmlm.density.named import parameters_of
from hmlm.density.parameters import Parameters
from hmlm.density.pointwise import by_row
from hmlm.density.precision import double_precision
from hmlm.density.state import DensityData, Static
from hmlm.types import Design


def stored_row_log_likelihood(
    density: LogDensity, draws: np.ndarray, effects: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Log density of every row given its group effects.

    Args:
        density: the model.
        draws: (..., P) parameters in the order of ``density.names``.
        effects: per block (..., J, Q) in the order of its terms.

    Returns:
        (..., N).
    """
    with double_precision():
        rows = _rows(density.static, _flat(density, draws), _by_draw(effects), density.data)
    return np.asarray(rows).reshape(*draws.shape[:-1], -1)


def stored_group_log_likelihood(
    density: LogDensity,
    design: Design,
    group: str,
    draws: np.ndarray,
    effects: Callable[[], tuple[np.ndarray, ...]],
    seed: int,
    n_samples: int,
) -> np.ndarray:
    """Log density of all rows of every level of a factor, the effects that it takes along integrated out.

    Arguments as :func:`stored_row_log_likelihood` and :func:`hmlm.density.groupwise.group_log_likelihood`;
    ``effects`` is called only where those of other factors count. Returns (..., J).
    """
    with double_precision():
        left_out, arrays = leave_out(density, design, group, n_samples)
        u = () if left_out.alone else _by_draw(effects())
        flat = _flat(density, draws)
        groups = _groups(left_out, flat, u, _keys(seed, len(flat)), arrays)
    return np.asarray(groups).reshape(*draws.shape[:-1], -1)


def _by_draw(effects: tuple[np.ndarray, ...]) -> tuple[Array, ...]:
    """Per block (S, Q, J) of (..., J, Q)."""
    return tuple(jnp.asarray(part).reshape(-1, *part.shape[-2:]).swapaxes(1, 2) for part in effects)


def stored_effects(density: LogDensity, draws: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
    """Per block (..., J, Q) effects of a model that samples none: the draws that the seed gave before."""
    with double_precision():
        flat = _flat(density, draws)
        blocks = _effects(density.static, flat, _keys(seed, len(flat)), density.data)
    return tuple(np.asarray(u.swapaxes(1, 2)).reshape(*draws.shape[:-1], *u.shape[:0:-1]) for u in blocks)


def samples_effects(density: LogDensity) -> bool:
    """Whether some effects were sampled, so that parameters alone do not give them."""
    return any(part.n_sampled for part in density.plan.blocks)


def _flat(density: LogDensity, draws: np.ndarray) -> Array:
    return jnp.asarray(draws).reshape(-1, len(density.names))


def _keys(seed: int, n_draws: int) -> Array:
    return jax.random.split(jax.random.key(seed), n_draws)


def _parameters(static: Static, row: Array, data: DensityData) -> Parameters:
    return parameters_of(static.spec, row, data.model)


@jax.jit(static_argnums=0)
def _rows(static: Static, draws: Array, effects: tuple[Array, ...], data: DensityData) -> Array:
    def one(arguments: tuple[Array, tuple[Array, ...]]) -> Array:
        row, u = arguments
        return by_row(static, _parameters(static, row, data), list(u), data)

    return jax.lax.map(one, (draws, effects), batch_size=DRAWS_AT_A_TIME)


@jax.jit(static_argnums=0)
def _groups(
    left_out: LeftOut, draws: Array, effects: tuple[Array, ...], keys: Array, arrays: LeftOutData
) -> Array:
    def one(arguments: tuple[Array, tuple[Array, ...], Array]) -> Array:
        row, u, key = arguments
        parameters = _parameters(left_out.sampled, row, arrays.sampled)
        return of_draw(left_out, parameters, u, key, arrays)

    return jax.lax.map(one, (draws, effects, keys))


@jax.jit(static_argnums=0)
def _effects(static: Static, draws: Array, keys: Array, data: DensityData) -> tuple[Array, ...]:
    factors = [static.spec.factors[block.factor].n_levels for block in static.spec.blocks]
    none = [jnp.zeros((block.size, n)) for block, n in zip(static.spec.blocks, factors, strict=True)]

    def one(arguments: tuple[Array, Array]) -> tuple[Array, ...]:
        row, key = arguments
        return with_integrated(static, _parameters(static, row, data), none, key, data)

    return jax.lax.map(one, (draws, keys), batch_size=DRAWS_AT_A_TIME)
