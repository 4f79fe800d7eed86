"""Unordered levels: the first is the reference, each other one has a linear predictor of its log odds."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist

from hmlm.density.laws.law import Extra, Law, OfParameters, Thetas
from hmlm.density.laws.levels import Codes, at_code, draw_codes
from hmlm.spec.family import Family

SMALLEST_SHARE = 0.01  # of a level in the first guess

Names = tuple[str, ...]


def make_law(family: Family) -> Law:
    """The law of a family that knows its levels; K - 1 parameters, one for each but the first."""
    names = family.locations
    return Law(
        log_density=partial(_log_density, names),
        score=partial(_score, names),
        mean=lambda theta, extra: sum(k * p for k, p in enumerate(_shares(names, theta))),
        variance=partial(_variance, names),
        simulate=lambda key, theta, extra, shape: draw_codes(key, _below(names, theta)[:-1], shape),
        numpyro=lambda theta, extra: Codes(dist.CategoricalLogits(jnp.stack(_logits(names, theta), axis=-1))),
        start=partial(_start, names),
        information={name: partial(_information, names, k) for k, name in enumerate(names, 1)},
        cross=_crosses(names),
        log_cdf=lambda y, theta, extra: jnp.log(_cdf(names, y, theta)),
        log_sf=lambda y, theta, extra: jnp.log1p(-_cdf(names, y, theta)),
        probabilities=lambda theta, extra: jnp.stack(_shares(names, theta)),
        discrete=True,
    )


def _logits(names: Names, theta: Thetas) -> list[Array]:
    eta = jnp.broadcast_arrays(*(theta[name].value for name in names))
    return [jnp.zeros_like(eta[0]), *eta]


def _log_shares(names: Names, theta: Thetas) -> list[Array]:
    logits = _logits(names, theta)
    total = jax.nn.logsumexp(jnp.stack(logits), axis=0)
    return [logit - total for logit in logits]


def _shares(names: Names, theta: Thetas) -> list[Array]:
    return [jnp.exp(share) for share in _log_shares(names, theta)]


def _below(names: Names, theta: Thetas) -> list[Array]:
    """P(y <= k) by the order of the codes."""
    return list(jnp.cumsum(jnp.stack(_shares(names, theta)), axis=0))


def _log_density(names: Names, y: Array, theta: Thetas, extra: Extra) -> Array:
    return at_code(y, _log_shares(names, theta))


def _score(names: Names, y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    shares = _shares(names, theta)
    return {name: (y == k) - shares[k] for k, name in enumerate(names, 1)}


def _variance(names: Names, theta: Thetas, extra: Extra) -> Array:
    shares = _shares(names, theta)
    mean = sum(k * p for k, p in enumerate(shares))
    return sum(k * k * p for k, p in enumerate(shares)) - mean**2


def _cdf(names: Names, y: Array, theta: Thetas) -> Array:
    return jnp.clip(at_code(y, _below(names, theta)), 0.0, 1.0)


def _start(names: Names, y: Array, extra: Extra) -> dict[str, Array]:
    """Log odds of the levels' shares against that of the first."""
    weights = extra.get("weights", jnp.ones_like(y))
    shares = [jnp.sum(weights * (y == k)) / jnp.sum(weights) for k in range(len(names) + 1)]
    logs = [jnp.log(jnp.maximum(share, SMALLEST_SHARE)) for share in shares]
    return {name: jnp.full_like(y, logs[k] - logs[0]) for k, name in enumerate(names, 1)}


def _information(names: Names, k: int, theta: Thetas, extra: Extra) -> Array:
    share = _shares(names, theta)[k]
    return share * (1.0 - share)


def _between(names: Names, k: int, other: int, theta: Thetas, extra: Extra) -> Array:
    shares = _shares(names, theta)
    return -shares[k] * shares[other]


def _crosses(names: Names) -> dict[tuple[str, str], OfParameters]:
    numbered = list(enumerate(names, 1))
    return {
        (a, b): partial(_between, names, k, other) for k, a in numbered for other, b in numbered if k < other
    }
