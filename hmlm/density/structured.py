"""Correlation matrices of one rho, glmmTMB's ``cs()`` and ``ar1()``: Cholesky factors in closed form.

With p = (rho - lowest) / (1 - lowest) between 0 and 1, the coordinate is half the logit of p; a uniform rho
is a uniform p, and its density in the coordinate is p (1 - p) up to a constant.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hmlm.spec.spec import Block

FARTHEST = 0.99  # of the interval, where sampling starts


def structured_factor(block: Block, x: Array) -> tuple[Array, Array]:
    """Lower Cholesky factor of a block's correlation matrix and the log prior density.

    Args:
        block: with a structure.
        x: () unconstrained coordinate of rho.

    Returns:
        (Q, Q) factor with unit rows; log density of x where rho is uniform, up to a constant.
    """
    share, rest = jax.nn.sigmoid(2.0 * x), jax.nn.sigmoid(-2.0 * x)
    factor = _in_turn if block.structure.in_turn else _alike
    return factor(block.size, share, rest), -jax.nn.softplus(2.0 * x) - jax.nn.softplus(-2.0 * x)


def structured_unconstrained(block: Block, rho: float) -> float:
    """The x of :func:`structured_factor` for a rho, which is moved off the bounds."""
    share = np.clip((rho - block.lowest_rho) / (1.0 - block.lowest_rho), 1.0 - FARTHEST, FARTHEST)
    return 0.5 * float(np.log(share / (1.0 - share)))


def _in_turn(size: int, share: Array, rest: Array) -> Array:
    """``rho^|i - j|``: rho^i in the first column, then ``rho^(i - j) sqrt(1 - rho^2)``."""
    rho, own = share - rest, 2.0 * jnp.sqrt(share * rest)
    powers = [jnp.ones_like(rho)]
    for _ in range(1, size):
        powers.append(powers[-1] * rho)
    zero = jnp.zeros_like(rho)
    rows = [
        [powers[i]] + [powers[i - j] * own if j <= i else zero for j in range(1, size)] for i in range(size)
    ]
    return jnp.stack([jnp.stack(row) for row in rows])


def _alike(size: int, share: Array, rest: Array) -> Array:
    """One rho off the diagonal: below it, all entries of a column are equal.

    With ``a_j = 1 + j rho`` the pivots are ``(1 - rho) a_j / a_(j - 1)`` and the entries below them
    ``rho (1 - rho) / (a_(j - 1) pivot)``; a_j is written as a sum of two terms that are not negative.
    """
    low, one = -1.0 / (size - 1), jnp.ones(1, share.dtype)
    width, j = 1.0 - low, jnp.arange(1, size, dtype=share.dtype)
    rho, gap = low + width * share, width * rest
    above = (size - 1.0 - j) / (size - 1.0) + j * width * share
    before = jnp.concatenate([one, above[:-1]])
    pivots = jnp.sqrt(gap * above / before)
    below = jnp.concatenate([rho[None], rho * gap / (before * pivots)])
    diagonal = jnp.concatenate([one, pivots])
    return jnp.tri(size, k=-1, dtype=share.dtype) * below + jnp.eye(size, dtype=share.dtype) * diagonal
