"""Posterior draws under the names that users read: parameters and group effects, not sampling coordinates.

Coordinates depend on the pilot estimate and the plan of the hmlm that sampled; named parameters do not. So a
fresh fit and one read from a file go the same way, and draws stay readable whatever later versions do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.density.log_density import DRAWS_AT_A_TIME, LogDensity, with_integrated
from hmlm.density.named import parameters_of
from hmlm.density.precision import double_precision
from hmlm.density.state import DensityData, Static


@dataclass(frozen=True, eq=False)
class NamedDraws:
    """Draws of a model's parameters, and its group effects on demand.

    Attributes:
        values: (..., P) parameters in the order of ``LogDensity.names``, S draws in all.
        effects_fn: makes the group effects, per block (..., J, Q) in the order of its terms.
    """

    values: np.ndarray
    effects_fn: Callable[[], tuple[np.ndarray, ...]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the draws, chains and draws as a rule."""
        return self.values.shape[:-1]

    def parameters(self) -> Array:
        """(S, P) parameters."""
        return jnp.asarray(self.values).reshape(-1, self.values.shape[-1])

    def effects(self) -> tuple[Array, ...]:
        """Per block (S, Q, J)."""
        parts = (jnp.asarray(part) for part in self.effects_fn())
        return tuple(part.reshape(-1, *part.shape[-2:]).swapaxes(1, 2) for part in parts)

    def keys(self, seed: int) -> Array:
        """(S,) a random key for each draw."""
        return _keys(seed, self.values[..., 0].size)


def named_draws(density: LogDensity, x: np.ndarray, seed: int | None) -> NamedDraws:
    """The draws at (..., D) points of the sampler; effects as ``density.effects(x, seed)`` gives them."""
    values = np.stack(list(density.constrain(x).values()), axis=-1)
    return NamedDraws(values, lambda: density.effects(x, seed))


def samples_effects(density: LogDensity) -> bool:
    """Whether some effects were sampled, so that parameters alone do not give them."""
    return any(part.n_sampled for part in density.plan.blocks)


def redrawn_effects(density: LogDensity, values: np.ndarray, seed: int | None) -> tuple[np.ndarray, ...]:
    """Per block (..., J, Q) effects of a model that samples none: the draws that the seed gave before.

    Args:
        density: the model.
        values: (..., P) parameters in the order of its names.
        seed: of the run; None gives their means.
    """
    with double_precision():
        flat = jnp.asarray(values).reshape(-1, values.shape[-1])
        blocks = _effects(density.static, flat, _keys(seed, len(flat)), density.data)
    return tuple(np.asarray(u.swapaxes(1, 2)).reshape(*values.shape[:-1], *u.shape[:0:-1]) for u in blocks)


def _keys(seed: int | None, n_draws: int) -> Array | None:
    return None if seed is None else jax.random.split(jax.random.key(seed), n_draws)


@jax.jit(static_argnums=0)
def _effects(static: Static, draws: Array, keys: Array | None, data: DensityData) -> tuple[Array, ...]:
    levels = [static.spec.factors[block.factor].n_levels for block in static.spec.blocks]
    none = [jnp.zeros((block.size, n)) for block, n in zip(static.spec.blocks, levels, strict=True)]

    def one(arguments: tuple[Array, Array | None]) -> tuple[Array, ...]:
        row, key = arguments
        return with_integrated(static, parameters_of(static.spec, row, data.model), none, key, data)

    return jax.lax.map(one, (draws, keys), batch_size=DRAWS_AT_A_TIME)
