"""Group effects given the data and the parameters: exact conditional means and standard deviations."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.chart import Chart, Order, parameters_at
from hmlm.density.integrate import draw
from hmlm.density.likelihood import marginal_moments
from hmlm.density.mixing import mixed_levels
from hmlm.density.state import DensityData, Static, prior_of_integrated


@jax.jit(static_argnums=0, static_argnames="orders")
def conditional_effects(
    static: Static, theta: Array, delta: Array, data: DensityData, chart: Chart, *, orders: tuple[Order, ...]
) -> list[tuple[Array, Array]]:
    """Per block the (Q, J) conditional means and standard deviations of its effects.

    A draw is linear in its noise. A coefficient of the first factor meets only the noise of its own level, so
    that one direction serves all levels at once, and so it is with all factors where they are nested; the
    noise of crossed factors, and of levels with a known covariance, takes a direction each.
    """
    plan = static.plan
    if not plan.factors:
        return []
    parameters = parameters_at(static.spec, chart, theta, delta, orders)
    moments = marginal_moments(static, parameters, data)
    prior = prior_of_integrated(static, parameters, data)
    effects = lambda noise: _of_levels(static, draw(moments, prior, noise), data)
    alone = any(mixing is not None for mixing in data.mixing)
    together = 0 if alone else len(prior.factors) if plan.nested else 1
    directions = _directions([len(factor) for factor in prior.factors], prior.levels, together)
    means = effects(jnp.zeros(directions.shape[1]))
    squares = jax.lax.map(lambda noise: _squares(effects(noise), means), directions, batch_size=32)
    variances = [jnp.sum(square, axis=0) for square in squares]
    return _by_block(static, means, [jnp.sqrt(variance) for variance in variances])


def _of_levels(static: Static, drawn: list[Array], data: DensityData) -> list[Array]:
    """Per factor the (Q, J) effects of levels from those of their pseudo-levels."""
    places = [static.plan.integrated(static.spec, factor) for factor in static.plan.factors]
    return [
        jnp.concatenate(
            [mixed_levels(row[None], data.mixing[b]) for row, (b, _) in zip(rows, own, strict=True)]
        )
        for rows, own in zip(drawn, places, strict=True)
    ]


def _squares(drawn: list[Array], means: list[Array]) -> list[Array]:
    return [(a - b) ** 2 for a, b in zip(drawn, means, strict=True)]


def _directions(coefficients: list[int], levels: list[int], together: int) -> Array:
    """(R, E): all levels of one coefficient at once for the first ``together`` factors."""
    pairs = list(zip(coefficients, levels, strict=True))
    blocks = [jnp.repeat(jnp.eye(q), n, axis=1) for q, n in pairs[:together]]
    blocks += [jnp.eye(q * n) for q, n in pairs[together:]]
    return jax.scipy.linalg.block_diag(*blocks)


def _by_block(static: Static, means: list[Array], sds: list[Array]) -> list[tuple[Array, Array]]:
    rows: dict[int, list[tuple[Array, Array]]] = {b: [] for b in range(len(static.spec.blocks))}
    for factor, mean, sd in zip(static.plan.factors, means, sds, strict=True):
        for (b, _), *pair in zip(static.plan.integrated(static.spec, factor), mean, sd, strict=True):
            rows[b].append(tuple(pair))
    return [tuple(jnp.stack(part) for part in zip(*pairs, strict=True)) for pairs in rows.values()]
