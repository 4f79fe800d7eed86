"""New outcomes between the bounds of ``trunc(lb, ub)``: draws of the family, in the end by its quantiles."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.family_rows import Mapped, as_stated
from hmlm.density.laws.law import Extra, Law, Thetas
from hmlm.density.laws.registry import law_of

Etas = dict[str, Array]
LOWER, UPPER = "trunc_lower", "trunc_upper"
BOUNDING = {LOWER, UPPER}
ROUNDS = 8  # of draws of the whole family, before a quantile is looked for
HALVINGS = 64  # of the bracket of a quantile
HALF = -0.6931471805599453  # log of one half


@partial(jax.jit, static_argnums=0)
def truncated(own: Mapped, key: Array, start: int, eta: Etas, extra: Extra) -> Array:
    """(R, S) new outcomes within the bounds; those of a row do not depend on the chunk it comes in."""
    law = law_of(own.family)
    shape = jnp.broadcast_shapes(*(value.shape for value in eta.values()))
    eta = {dpar: jnp.broadcast_to(value, shape) for dpar, value in as_stated(own, eta, extra).items()}

    def one(row: Array, eta: Etas, extra: Extra) -> tuple[Array, Array]:
        return _first_inside(law, jax.random.fold_in(key, row), own.thetas(eta), extra, shape[1:])

    drawn, share = jax.vmap(one)(start + jnp.arange(shape[0]), eta, dict(extra))
    inside = is_inside(drawn, extra)

    def by_quantile() -> Array:
        return jnp.where(inside, drawn, quantile(law, share, own.thetas(eta), extra))

    return jax.lax.cond(jnp.all(inside), lambda: drawn, by_quantile)


def is_inside(y: Array, extra: Extra) -> Array:
    """Whether outcomes lie within the bounds, these included."""
    return (y >= extra.get(LOWER, -jnp.inf)) & (y <= extra.get(UPPER, jnp.inf))


def _first_inside(
    law: Law, key: Array, thetas: Thetas, extra: Extra, shape: tuple[int, ...]
) -> tuple[Array, Array]:
    """(S,) the first of some draws within the bounds, else the last, and (S,) uniform shares."""
    keys = jax.random.split(key, ROUNDS + 1)

    def again(y: Array, key: Array) -> tuple[Array, None]:
        return jnp.where(is_inside(y, extra), y, law.simulate(key, thetas, extra, shape)), None

    first = law.simulate(keys[0], thetas, extra, shape)
    y, _ = jax.lax.scan(again, first, keys[1:-1])
    return y, jax.random.uniform(keys[-1], shape, y.dtype)


def quantile(law: Law, share: Array, thetas: Thetas, extra: Extra) -> Array:
    """Outcomes within the bounds with probability ``share`` below them, by halving a bracket.

    Above the median probabilities are read from above, where those from below round to one. At least one
    bound is finite where this counts.
    """
    low = jnp.broadcast_to(extra.get(LOWER, -jnp.inf), share.shape)
    high = jnp.broadcast_to(extra.get(UPPER, jnp.inf), share.shape)
    is_below = _comparison(law, share, low, high, thetas, extra)

    def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        left, right = bracket
        middle = 0.5 * (left + right)
        below = is_below(_stretched(middle, low, high))
        return jnp.where(below, middle, left), jnp.where(below, right, middle)

    ends = jnp.zeros_like(share), jnp.ones_like(share)
    left, right = jax.lax.fori_loop(0, HALVINGS, halve, ends)
    if law.discrete:
        return jnp.clip(jnp.floor(_stretched(right, low, high)), low, high)
    return _stretched(0.5 * (left + right), low, high)


def _comparison(law: Law, share: Array, low: Array, high: Array, thetas: Thetas, extra: Extra):
    """Whether less than ``share`` of what lies within the bounds is at most y, as a function of y."""
    outside = low - 1.0 if law.discrete else low
    unbounded = jnp.isneginf(low), jnp.isposinf(high)
    # A bracket without a lower end reaches values that a law of positive outcomes does not know.
    cdf = lambda y: jnp.nan_to_num(law.log_cdf(y, thetas, extra), nan=-jnp.inf, neginf=-jnp.inf)
    sf = lambda y: jnp.nan_to_num(law.log_sf(y, thetas, extra), nan=0.0, neginf=-jnp.inf)
    cdf_low = jnp.where(unbounded[0], -jnp.inf, cdf(jnp.where(unbounded[0], 0.0, outside)))
    sf_low = jnp.where(unbounded[0], 0.0, sf(jnp.where(unbounded[0], 0.0, outside)))
    cdf_high = jnp.where(unbounded[1], 0.0, cdf(jnp.where(unbounded[1], 0.0, high)))
    sf_high = jnp.where(unbounded[1], -jnp.inf, sf(jnp.where(unbounded[1], 0.0, high)))
    from_above = sf_low < HALF
    most_above = jnp.logaddexp(sf_low + jnp.log1p(-share), sf_high + jnp.log(share))
    least_below = jnp.logaddexp(cdf_low + jnp.log1p(-share), cdf_high + jnp.log(share))
    whole = jnp.floor if law.discrete else lambda y: y
    return lambda y: jnp.where(from_above, sf(whole(y)) > most_above, cdf(whole(y)) < least_below)


def _stretched(t: Array, low: Array, high: Array) -> Array:
    """From (0, 1) to (low, high), one of them finite."""
    both = jnp.isfinite(low) & jnp.isfinite(high)
    upward = low + t / (1.0 - t)
    downward = high - (1.0 - t) / t
    return jnp.where(both, low + t * (high - low), jnp.where(jnp.isfinite(low), upward, downward))
