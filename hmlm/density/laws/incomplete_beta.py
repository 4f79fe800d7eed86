"""The regularised incomplete beta function, its logarithm differentiable by all arguments, as JAX's is not.

``log I_x(a, b)`` by the continued fraction, of the smaller tail.

References:
    Didonato & Morris (1992), doi:10.1145/131766.131776
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaln

MOST_STEPS = 1000
TINY = 1e-30


@jax.custom_jvp
def log_betainc(a: Array, b: Array, x: Array) -> Array:
    """``log I_x(a, b)``, also where the probability itself underflows; a, b > 0, x between 0 and 1."""
    a, b, x = jnp.broadcast_arrays(a, b, x)
    upper = x > (a + 1.0) / (a + b + 2.0)
    one, other, at = jnp.where(upper, b, a), jnp.where(upper, a, b), jnp.where(upper, 1.0 - x, x)
    inside = at > 0.0
    tail = jnp.where(inside, _log_tail(one, other, jnp.where(inside, at, 0.5)), -jnp.inf)
    return jnp.where(upper, jnp.log1p(-jnp.exp(tail)), tail)


@log_betainc.defjvp
def _log_betainc_jvp(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    primals = tuple(map(jnp.asarray, primals))
    value, change = log_betainc(*primals), 0.0
    for i, tangent in enumerate(tangents):
        ones = tuple(jnp.ones_like(p) if i == j else jnp.zeros_like(p) for j, p in enumerate(primals))
        change = change + jax.jvp(log_betainc.fun, primals, ones)[1] * tangent
    return value, change


def _log_tail(a: Array, b: Array, x: Array) -> Array:
    log_beta = gammaln(a) + gammaln(b) - gammaln(a + b)
    return a * jnp.log(x) + b * jnp.log1p(-x) - jnp.log(a) - log_beta + jnp.log(_fraction(a, b, x))


def _fraction(a: Array, b: Array, x: Array) -> Array:
    """The continued fraction, by Lentz's algorithm as Thompson and Barnett modified it."""

    def unfinished(state: tuple[Array, ...]) -> Array:
        m, _, _, _, factor = state
        settled = jnp.abs(factor - 1.0) <= 2.0 * jnp.finfo(x.dtype).eps
        return (m <= MOST_STEPS) & ~jnp.all(settled | jnp.isnan(factor))

    def step(state: tuple[Array, ...]) -> tuple[Array, ...]:
        m, c, d, h, _ = state
        even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        d, c = 1.0 / _away(1.0 + even * d), _away(1.0 + even / c)
        h = h * d * c
        d, c = 1.0 / _away(1.0 + odd * d), _away(1.0 + odd / c)
        return m + 1.0, c, d, h * d * c, d * c

    first = 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    start = (jnp.ones((), x.dtype), jnp.ones_like(x), first, first, jnp.zeros_like(x))
    return jax.lax.while_loop(unfinished, step, start)[3]


def _away(value: Array) -> Array:
    """The value, moved away from zero."""
    return jnp.where(jnp.abs(value) < TINY, TINY, value)
