"""A law made from a NumPyro distribution: scores by autodiff, moments by simulation where it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist

from hmlm.density.laws.law import Extra, Law, Thetas
from hmlm.density.links import log_value_by_xi
from hmlm.spec.support import Support

Factory = Callable[..., dist.Distribution]
SIMULATIONS = 500  # outcomes per row where the distribution has no mean or variance


def law_from_numpyro(
    factory: Factory,
    supports: Mapping[str, Support],
    moments: tuple[str, ...],
    *,
    trials: bool,
    discrete: bool,
) -> Law:
    """The law of a distribution.

    Args:
        factory: distributional parameters by name -> the distribution of rows.
        supports: of the parameters.
        moments: those of ``"mean"`` and ``"variance"`` that the distribution has.
        trials: whether the factory also takes ``trials``.
        discrete: whether outcomes are counts.
    """

    def made(values: Mapping[str, Array], extra: Extra) -> dist.Distribution:
        known = {"trials": extra["trials"].astype(int)} if trials else {}
        return factory(**values, **known)

    def stated(theta: Thetas, extra: Extra) -> dist.Distribution:
        return made({dpar: theta[dpar].value for dpar in supports}, extra)

    def whole(theta: Thetas, shape: tuple[int, ...]) -> dict[str, Array]:
        return {dpar: jnp.broadcast_to(theta[dpar].value, shape) for dpar in supports}

    def score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
        shape = jnp.broadcast_shapes(y.shape, *(theta[dpar].value.shape for dpar in supports))
        values = whole(theta, shape)
        by_value = jax.grad(lambda values: jnp.sum(made(values, extra).log_prob(y)))(values)
        by_xi = {dpar: jnp.exp(log_value_by_xi(theta[dpar], own)) for dpar, own in supports.items()}
        return {dpar: by_value[dpar] * by_xi[dpar] for dpar in supports}

    def simulate(key: Array, theta: Thetas, extra: Extra, shape: tuple[int, ...]) -> Array:
        return made(whole(theta, shape), extra).sample(key).astype(theta["mu"].value.dtype)

    def moment(name: str) -> Callable[[Thetas, Extra], Array]:
        if name in moments:
            return lambda theta, extra: jnp.asarray(getattr(stated(theta, extra), name))
        return lambda theta, extra: _simulated_moment(stated(theta, extra), name)

    return Law(
        log_density=lambda y, theta, extra: stated(theta, extra).log_prob(y),
        score=score,
        mean=moment("mean"),
        variance=moment("variance"),
        simulate=simulate,
        numpyro=stated,
        start=lambda y, extra: _start(supports, y),
        discrete=discrete,
    )


def _simulated_moment(own: dist.Distribution, name: str) -> Array:
    """Mean or variance of :data:`SIMULATIONS` draws, one after the other to keep memory small."""

    def add(i: int, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        draw = own.sample(jax.random.fold_in(jax.random.key(0), i)).astype(float)
        return sums[0] + draw, sums[1] + draw * draw

    zero = jnp.zeros(own.batch_shape)
    total, squares = jax.lax.fori_loop(0, SIMULATIONS, add, (zero, zero))
    mean = total / SIMULATIONS
    return mean if name == "mean" else squares / SIMULATIONS - mean * mean


def _start(supports: Mapping[str, Support], y: Array) -> dict[str, Array]:
    """Mean and standard deviation of all outcomes where mu and sigma may have these values."""
    guess = {"sigma": jnp.std(y)} if supports.get("sigma") is Support.POSITIVE else {}
    mean = jnp.mean(y)
    inside = {
        Support.REAL: mean,
        Support.POSITIVE: jnp.where(mean > 0.0, mean, 1.0),
        Support.UNIT: jnp.asarray(0.5),
        Support.ABOVE_ONE: jnp.maximum(mean, 1.1),
    }[supports["mu"]]
    return guess | {"mu": jnp.full_like(y, inside)}
