"""Ordered levels: a latent outcome with location mu is cut at thresholds ``tau_1 < … < tau_{K-1}``.

``P(y <= k) = F(disc (tau_k - mu))``, F being what the link of mu maps to the real line. With
``a = disc (tau_k - mu)`` and ``b = disc (tau_{k-1} - mu)`` the probability of level k is ``F(a) - F(b)``.

References:
    Buerkner & Vuorre (2019), doi:10.1177/2515245918823199
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist

from hmlm.density.laws.gaussian import HALF_LOG_2PI
from hmlm.density.laws.law import Extra, Law, Thetas
from hmlm.density.laws.levels import Codes, at_code, draw_codes
from hmlm.density.links import LINKS, Link, eta_of
from hmlm.spec.family import Family

LOG_SLOPES: Mapping[str, Callable[[Array], Array]] = {
    "logit": lambda z: jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z),
    "probit": lambda z: -0.5 * z * z - HALF_LOG_2PI,
    "cloglog": lambda z: z - jnp.exp(z),
}  # of F
EVEN = 0.02  # of the first guess: part of equal shares, so that no level has none


class Cuts(NamedTuple):
    """The cuts around each outcome's level, on the scale of F: ``upper`` is 0 for the last, ``lower`` for the
    first level, which have no such cut."""

    upper: Array
    lower: Array
    first: Array
    last: Array


def make_law(family: Family) -> Law:
    """The law of a family that knows its levels."""
    link, names = LINKS[family.link("mu")], tuple(p.name for p in family.thresholds)
    slope = LOG_SLOPES[family.link("mu")]
    cut = partial(_cuts, names)
    information = {"mu": partial(_information_on_mu, names, link, slope)}
    information["disc"] = partial(_information_on_disc, names, link, slope)
    for k, name in enumerate(names):
        information[name] = partial(_information_on_threshold, names, link, slope, k)
    return Law(
        log_density=lambda y, theta, extra: _log_probability(link, cut(y, theta)),
        score=partial(_score, names, link, slope),
        mean=lambda theta, extra: sum(_above(names, link, theta)),
        variance=partial(_variance, names, link),
        simulate=lambda key, theta, extra, shape: draw_codes(key, _below(names, link, theta), shape),
        numpyro=partial(_numpyro, names, family.link("mu"), link),
        start=partial(_start, names, family.link("mu")),
        information=information,
        cross=_crosses(names, link, slope),
        log_cdf=partial(_log_cdf, names, link),
        log_sf=lambda y, theta, extra: jnp.log1p(-jnp.exp(_log_cdf(names, link, y, theta, extra))),
        probabilities=partial(_probabilities, names, link),
        discrete=True,
    )


def _scaled(names: tuple[str, ...], theta: Thetas) -> list[Array]:
    """The K - 1 cuts."""
    return [theta["disc"].value * (theta[name].value - theta["mu"].value) for name in names]


def _cuts(names: tuple[str, ...], y: Array, theta: Thetas) -> Cuts:
    tau, mu, disc = [theta[name].value for name in names], theta["mu"].value, theta["disc"].value
    first, last = y < 0.5, y > len(names) - 0.5
    upper = jnp.where(last, 0.0, disc * (at_code(y, tau) - mu))
    lower = jnp.where(first, 0.0, disc * (at_code(y, tau, 1) - mu))
    return Cuts(upper, lower, first, last)


def _log_probability(link: Link, cuts: Cuts) -> Array:
    """Log of ``F(a) - F(b)``, from whichever side F is small."""
    inside = ~(cuts.first | cuts.last)
    upper, lower = link.theta(cuts.upper), link.theta(cuts.lower)
    a, b = link.theta(jnp.where(inside, cuts.upper, 0.5)), link.theta(jnp.where(inside, cuts.lower, -0.5))
    from_below = a.value < 0.5
    larger = jnp.where(from_below, a.log, b.log1m)
    smaller = jnp.where(from_below, b.log, a.log1m)
    between = larger + _log1m_exp(jnp.minimum(smaller - larger, -1e-300))
    return jnp.where(cuts.first, upper.log, jnp.where(cuts.last, lower.log1m, between))


def _log1m_exp(x: Array) -> Array:
    """``log(1 - exp(x))`` of negative numbers."""
    near = x > -0.693
    return jnp.where(
        near, jnp.log(-jnp.expm1(jnp.where(near, x, -0.1))), jnp.log1p(-jnp.exp(jnp.where(near, -1.0, x)))
    )


def _score(
    names: tuple[str, ...],
    link: Link,
    slope: Callable[[Array], Array],
    y: Array,
    theta: Thetas,
    extra: Extra,
) -> dict[str, Array]:
    cuts, disc = _cuts(names, y, theta), theta["disc"].value
    log_p = _log_probability(link, cuts)
    by_upper = jnp.where(cuts.last, 0.0, jnp.exp(slope(cuts.upper) - log_p))
    by_lower = jnp.where(cuts.first, 0.0, -jnp.exp(slope(cuts.lower) - log_p))
    scores = {"mu": -disc * (by_upper + by_lower), "disc": cuts.upper * by_upper + cuts.lower * by_lower}
    for k, name in enumerate(names):
        scores[name] = disc * (jnp.where(y == k, by_upper, 0.0) + jnp.where(y == k + 1, by_lower, 0.0))
    return scores


def _below(names: tuple[str, ...], link: Link, theta: Thetas) -> list[Array]:
    """P(y <= k) of all levels but the last."""
    return [link.inverse(z) for z in _scaled(names, theta)]


def _above(names: tuple[str, ...], link: Link, theta: Thetas) -> list[Array]:
    """P(y > k) of all levels but the last."""
    return [jnp.exp(link.theta(z).log1m) for z in _scaled(names, theta)]


def _variance(names: tuple[str, ...], link: Link, theta: Thetas, extra: Extra) -> Array:
    above = _above(names, link, theta)
    return sum((2 * k + 1) * p for k, p in enumerate(above)) - sum(above) ** 2


def _probabilities(names: tuple[str, ...], link: Link, theta: Thetas, extra: Extra) -> Array:
    shape = jnp.broadcast_shapes(*(value.value.shape for value in theta.values()))
    codes = [jnp.full(shape, float(k)) for k in range(len(names) + 1)]
    return jnp.stack([jnp.exp(_log_probability(link, _cuts(names, y, theta))) for y in codes])


def _log_cdf(names: tuple[str, ...], link: Link, y: Array, theta: Thetas, extra: Extra) -> Array:
    cuts = _cuts(names, y, theta)
    inside = link.theta(cuts.upper).log
    return jnp.where(y < -0.5, -jnp.inf, jnp.where(cuts.last, 0.0, inside))


def _numpyro(names: tuple[str, ...], link_name: str, link: Link, theta: Thetas, extra: Extra):
    disc, mu = theta["disc"].value, theta["mu"].value
    cuts = jnp.stack(jnp.broadcast_arrays(*(disc * theta[name].value + 0.0 * mu for name in names)), -1)
    if link_name == "logit":
        return Codes(dist.OrderedLogistic(disc * mu, cuts))
    below = link.inverse(cuts - (disc * mu)[..., None])
    edges = jnp.pad(below, [(0, 0)] * (below.ndim - 1) + [(1, 1)], constant_values=(0.0, 1.0))
    return Codes(dist.CategoricalProbs(jnp.diff(edges)))


def _start(names: tuple[str, ...], link: str, y: Array, extra: Extra) -> dict[str, Array]:
    """Thresholds at the outcomes' shares."""
    weights = extra.get("weights", jnp.ones_like(y))
    shares = [jnp.sum(weights * (y < k + 0.5)) / jnp.sum(weights) for k in range(len(names))]
    even = [(k + 1.0) / (len(names) + 1.0) for k in range(len(names))]
    inside = [(1.0 - EVEN) * share + EVEN * equal for share, equal in zip(shares, even, strict=True)]
    return {name: eta_of(link, share) for name, share in zip(names, inside, strict=True)}


# --- expected information: of level k with probability p_k, between densities f_{k-1} and f_k of F ------


class _Edges(NamedTuple):
    """Densities at K + 1 cuts, the outer ones zero; the cuts times them; K probabilities."""

    density: list[Array]
    moment: list[Array]
    probability: Array


def _edges(
    names: tuple[str, ...], link: Link, slope: Callable[[Array], Array], theta: Thetas, extra: Extra
) -> _Edges:
    cuts = _scaled(names, theta)
    density = [jnp.exp(slope(z)) for z in cuts]
    zero = [jnp.zeros_like(density[0])]
    moment = [z * f for z, f in zip(cuts, density, strict=True)]
    probability = jnp.maximum(_probabilities(names, link, theta, extra), 1e-300)
    return _Edges([*zero, *density, *zero], [*zero, *moment, *zero], probability)


def _information_on_mu(names, link, slope, theta: Thetas, extra: Extra) -> Array:
    f, _, p = _edges(names, link, slope, theta, extra)
    return theta["disc"].value ** 2 * sum((f[k + 1] - f[k]) ** 2 / p[k] for k in range(len(p)))


def _information_on_disc(names, link, slope, theta: Thetas, extra: Extra) -> Array:
    _, moment, p = _edges(names, link, slope, theta, extra)
    return sum((moment[k + 1] - moment[k]) ** 2 / p[k] for k in range(len(p)))


def _information_on_threshold(names, link, slope, k: int, theta: Thetas, extra: Extra) -> Array:
    f, _, p = _edges(names, link, slope, theta, extra)
    return theta["disc"].value ** 2 * f[k + 1] ** 2 * (1.0 / p[k] + 1.0 / p[k + 1])


def _with_mu(names, link, slope, k: int, theta: Thetas, extra: Extra) -> Array:
    """Between mu and a threshold."""
    f, _, p = _edges(names, link, slope, theta, extra)
    return (
        -(theta["disc"].value ** 2) * f[k + 1] * ((f[k + 1] - f[k]) / p[k] + (f[k + 1] - f[k + 2]) / p[k + 1])
    )


def _with_next(names, link, slope, k: int, theta: Thetas, extra: Extra) -> Array:
    """Between a threshold and the next one."""
    f, _, p = _edges(names, link, slope, theta, extra)
    return -(theta["disc"].value ** 2) * f[k + 1] * f[k + 2] / p[k + 1]


def _crosses(names: tuple[str, ...], link: Link, slope: Callable[[Array], Array]):
    known = {("mu", name): partial(_with_mu, names, link, slope, k) for k, name in enumerate(names)}
    for k, pair in enumerate(zip(names, names[1:], strict=False)):
        known[pair] = partial(_with_next, names, link, slope, k)
    return known
