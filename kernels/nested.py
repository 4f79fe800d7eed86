"""Integrate nested group effects out of a Gaussian, from the finest factor to the coarsest.

A level of the finest factor carries the coefficients of all factors it lies in: own ones first, then its
parent's, and so on. In whitened coordinates its matrix is ``[[A_oo, A_or], [A_ro, A_rr]]``. Eliminating the
own ones, ``I + A_oo = CC'``, leaves ``A_rr - X'X`` with ``X = C^-1 A_or``; summed over the children of each
parent this is the next factor's problem. The cost is linear in the number of levels.

The gradient is that of the whole, ``d/dv = x``, ``d/dA = -(V + x x') / 2`` with V and x the posterior
covariance and mean of all coefficients a level carries (Fisher's identity), by one pass back from the
coarsest factor.

References:
    Bates et al. (2015), doi:10.18637/jss.v067.i01
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.kernels.segments import Segments
from hmlm.kernels.small import Cholesky, cholesky, inverse, solve_lower, solve_lower_transposed

Sizes = tuple[int, ...]
Parents = tuple[Segments, ...]


class Level(NamedTuple):
    """One factor after its elimination: C, ``C^-1 v`` (Q, J) and X (Q, R, J)."""

    root: Cholesky
    white: Array
    half: Array


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def eliminate_nested(sizes: Sizes, precision: Array, score: Array, parents: Parents) -> Array:
    """The log integral over all effects, a scalar.

    Args:
        sizes: coefficients per level of every factor, finest first; they add up to Q.
        precision: (Q, Q, J) ``Lambda'F Lambda`` of every level of the finest factor.
        score: (Q, J) ``Lambda'g``.
        parents: per factor but the coarsest, its levels by level of the next.
    """
    return _forward(sizes, precision, score, parents)[0]


def eliminate_nested_by_level(sizes: Sizes, precision: Array, score: Array, parents: Parents) -> Array:
    """The log integral by level of the coarsest factor, (J,); arguments as :func:`eliminate_nested`."""
    levels = _eliminated(sizes, precision, score, parents)
    values = [0.5 * jnp.sum(level.white * level.white, axis=0) - level.root.log_diagonal for level in levels]
    total = values[0]
    for parent, value in zip(parents, values[1:], strict=True):
        total = parent.reduce(total) + value
    return total


def draw_nested(
    sizes: Sizes, precision: Array, score: Array, parents: Parents, noise: list[Array]
) -> list[Array]:
    """Exact draws of the whitened effects, per factor (Q, J), from standard normal noise of these shapes."""
    levels = _eliminated(sizes, precision, score, parents)
    above = levels[-1].white[:0]
    out: list[Array] = []
    for i in reversed(range(len(sizes))):
        carried = jnp.einsum("qrj,rj->qj", levels[i].half, above, precision="highest")
        out.append(solve_lower_transposed(levels[i].root, levels[i].white - carried + noise[i]))
        if i:
            above = parents[i - 1].expand(jnp.concatenate([out[-1], above]))
    return out[::-1]


def _eliminated(sizes: Sizes, precision: Array, score: Array, parents: Parents) -> list[Level]:
    levels = []
    for i, size in enumerate(sizes):
        eye = jnp.eye(size, dtype=score.dtype)[:, :, None]
        root = cholesky(precision[:size, :size] + eye)
        white = solve_lower(root, score[:size])
        half = _solve_each(solve_lower, root, precision[:size, size:])
        levels.append(Level(root, white, half))
        if i + 1 < len(sizes):
            rest = precision[size:, size:] - jnp.einsum("qrj,qsj->rsj", half, half, precision="highest")
            right = score[size:] - jnp.einsum("qrj,qj->rj", half, white, precision="highest")
            precision, score = parents[i].reduce(rest), parents[i].reduce(right)
    return levels


def _solve_each(solver, root: Cholesky, right: Array) -> Array:
    """(Q, R, J) solutions of R right-hand sides."""
    if right.shape[1] == 0:
        return right
    return jnp.stack([solver(root, right[:, r]) for r in range(right.shape[1])], axis=1)


def _forward(sizes: Sizes, precision: Array, score: Array, parents: Parents) -> tuple[Array, tuple]:
    levels = _eliminated(sizes, precision, score, parents)
    value = sum(
        0.5 * jnp.sum(level.white * level.white) - jnp.sum(level.root.log_diagonal) for level in levels
    )
    return value, (levels, parents)


def _backward(sizes: Sizes, saved: tuple, cotangent: Array) -> tuple[Array, Array, None]:
    levels, parents = saved
    spread, mean = _coarsest(levels[-1])
    for i in reversed(range(len(sizes) - 1)):
        spread, mean = _finer(levels[i], parents[i].expand(spread), parents[i].expand(mean))
    return -0.5 * cotangent * (spread + mean[:, None] * mean[None]), cotangent * mean, None


def _coarsest(level: Level) -> tuple[Array, Array]:
    return inverse(level.root), solve_lower_transposed(level.root, level.white)


def _finer(level: Level, above: Array, mean_above: Array) -> tuple[Array, Array]:
    """Covariance and mean of a level's own coefficients and of those above, given the latter's."""
    gain = _solve_each(solve_lower_transposed, level.root, level.half)
    cross = -jnp.einsum("qrj,rsj->qsj", gain, above, precision="highest")
    own = inverse(level.root) - jnp.einsum("qsj,psj->qpj", cross, gain, precision="highest")
    carried = jnp.einsum("qrj,rj->qj", level.half, mean_above, precision="highest")
    mean = solve_lower_transposed(level.root, level.white - carried)
    top = jnp.concatenate([own, cross], axis=1)
    bottom = jnp.concatenate([cross.swapaxes(0, 1), above], axis=1)
    return jnp.concatenate([top, bottom]), jnp.concatenate([mean, mean_above])


eliminate_nested.defvjp(_forward, _backward)
