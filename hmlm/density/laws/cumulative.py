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
from hmlm.density.laws.law import Extra, Law, OfParameters, Thetas
from hmlm.density.laws.levels import Codes, at_code, draw_codes
from hmlm.density.links import LINKS, Link, eta_of
from hmlm.spec.family import Family

LOG_SLOPES: Mapping[str, Callable[[Array], Array]] = {
    "logit": lambda z: jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z),
    "probit": lambda z: -0.5 * z * z - HALF_LOG_2PI,
    "cloglog": lambda z: z - jnp.exp(z),
}  # of F
EVEN = 0.02  # of the first guess: part of equal shares, so that no level has none
HALF = 0.5  # below it log(1 - exp(x)) is better taken from expm1


class Latent(NamedTuple):
    """Names of the K - 1 thresholds, and the link whose inverse F is."""

    names: tuple[str, ...]
    link_name: str

    @property
    def link(self) -> Link:
        """By its name."""
        return LINKS[self.link_name]

    def slope(self, z: Array) -> Array:
        """Log density of F."""
        return LOG_SLOPES[self.link_name](z)


class Cuts(NamedTuple):
    """The cuts around each outcome's level, on the scale of F; 0 for the upper one of the last level and the
    lower one of the first, which they do not have."""

    upper: Array
    lower: Array
    first: Array
    last: Array


def make_law(family: Family) -> Law:
    """The law of a family that knows its levels."""
    own = Latent(tuple(p.name for p in family.thresholds), family.link("mu"))
    return Law(
        log_density=lambda y, theta, extra: _log_probability(own, _cuts(own, y, theta)),
        score=partial(_score, own),
        mean=lambda theta, extra: sum(_above(own, theta)),
        variance=partial(_variance, own),
        simulate=lambda key, theta, extra, shape: draw_codes(key, _below(own, theta), shape),
        numpyro=partial(_numpyro, own),
        start=partial(_start, own),
        information=_informations(own),
        cross=_crosses(own),
        log_cdf=partial(_log_cdf, own),
        log_sf=lambda y, theta, extra: jnp.log1p(-jnp.exp(_log_cdf(own, y, theta, extra))),
        probabilities=partial(_probabilities, own),
        discrete=True,
    )


def _scaled(own: Latent, theta: Thetas) -> list[Array]:
    """The K - 1 cuts."""
    return [theta["disc"].value * (theta[name].value - theta["mu"].value) for name in own.names]


def _cuts(own: Latent, y: Array, theta: Thetas) -> Cuts:
    tau, mu, disc = [theta[name].value for name in own.names], theta["mu"].value, theta["disc"].value
    first, last = y < 0.5, y > len(tau) - 0.5
    upper = jnp.where(last, 0.0, disc * (at_code(y, tau) - mu))
    lower = jnp.where(first, 0.0, disc * (at_code(y, tau, 1) - mu))
    return Cuts(upper, lower, first, last)


def _log_probability(own: Latent, cuts: Cuts) -> Array:
    """Log of ``F(a) - F(b)``, from whichever side F is small."""
    inside = ~(cuts.first | cuts.last)
    upper, lower = own.link.theta(cuts.upper), own.link.theta(cuts.lower)
    a = own.link.theta(jnp.where(inside, cuts.upper, 0.5))
    b = own.link.theta(jnp.where(inside, cuts.lower, -0.5))
    from_below = a.value < 0.5
    larger = jnp.where(from_below, a.log, b.log1m)
    smaller = jnp.where(from_below, b.log, a.log1m)
    between = larger + _log1m_exp(jnp.minimum(smaller - larger, -1e-300))
    return jnp.where(cuts.first, upper.log, jnp.where(cuts.last, lower.log1m, between))


def _log1m_exp(x: Array) -> Array:
    """``log(1 - exp(x))`` of negative numbers."""
    near = x > -HALF
    close, far = jnp.where(near, x, -HALF), jnp.where(near, -HALF, x)
    return jnp.where(near, jnp.log(-jnp.expm1(close)), jnp.log1p(-jnp.exp(far)))


def _score(own: Latent, y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    cuts, disc = _cuts(own, y, theta), theta["disc"].value
    log_p = _log_probability(own, cuts)
    by_upper = jnp.where(cuts.last, 0.0, jnp.exp(own.slope(cuts.upper) - log_p))
    by_lower = jnp.where(cuts.first, 0.0, -jnp.exp(own.slope(cuts.lower) - log_p))
    scores = {"mu": -disc * (by_upper + by_lower), "disc": cuts.upper * by_upper + cuts.lower * by_lower}
    for k, name in enumerate(own.names):
        scores[name] = disc * (jnp.where(y == k, by_upper, 0.0) + jnp.where(y == k + 1, by_lower, 0.0))
    return scores


def _below(own: Latent, theta: Thetas) -> list[Array]:
    """P(y <= k) of all levels but the last."""
    return [own.link.inverse(z) for z in _scaled(own, theta)]


def _above(own: Latent, theta: Thetas) -> list[Array]:
    """P(y > k) of all levels but the last."""
    return [jnp.exp(own.link.theta(z).log1m) for z in _scaled(own, theta)]


def _variance(own: Latent, theta: Thetas, extra: Extra) -> Array:
    above = _above(own, theta)
    return sum((2 * k + 1) * p for k, p in enumerate(above)) - sum(above) ** 2


def _probabilities(own: Latent, theta: Thetas, extra: Extra) -> Array:
    shape = jnp.broadcast_shapes(*(value.value.shape for value in theta.values()))
    codes = [jnp.full(shape, float(k)) for k in range(len(own.names) + 1)]
    return jnp.stack([jnp.exp(_log_probability(own, _cuts(own, y, theta))) for y in codes])


def _log_cdf(own: Latent, y: Array, theta: Thetas, extra: Extra) -> Array:
    cuts = _cuts(own, y, theta)
    inside = own.link.theta(cuts.upper).log
    return jnp.where(y < -0.5, -jnp.inf, jnp.where(cuts.last, 0.0, inside))


def _numpyro(own: Latent, theta: Thetas, extra: Extra) -> dist.Distribution:
    disc, mu = theta["disc"].value, theta["mu"].value
    cuts = [disc * theta[name].value + 0.0 * mu for name in own.names]
    cuts = jnp.stack(jnp.broadcast_arrays(*cuts), axis=-1)
    if own.link_name == "logit":
        return Codes(dist.OrderedLogistic(disc * mu, cuts))
    below = own.link.inverse(cuts - (disc * mu)[..., None])
    edges = jnp.pad(below, [(0, 0)] * (below.ndim - 1) + [(1, 1)], constant_values=(0.0, 1.0))
    return Codes(dist.CategoricalProbs(jnp.diff(edges)))


def _start(own: Latent, y: Array, extra: Extra) -> dict[str, Array]:
    """Thresholds at the outcomes' shares."""
    weights, n = extra.get("weights", jnp.ones_like(y)), len(own.names)
    shares = [jnp.sum(weights * (y < k + 0.5)) / jnp.sum(weights) for k in range(n)]
    inside = [(1.0 - EVEN) * share + EVEN * (k + 1.0) / (n + 1.0) for k, share in enumerate(shares)]
    return {name: eta_of(own.link_name, share) for name, share in zip(own.names, inside, strict=True)}


# --- expected information: of level k with probability p_k, between densities f_{k-1} and f_k of F ------


class Edges(NamedTuple):
    """Densities at K + 1 cuts, the outer ones zero; the cuts times them; K probabilities."""

    density: list[Array]
    moment: list[Array]
    probability: Array


def _edges(own: Latent, theta: Thetas, extra: Extra) -> Edges:
    cuts = _scaled(own, theta)
    density = [jnp.exp(own.slope(z)) for z in cuts]
    zero = [jnp.zeros_like(density[0])]
    moment = [z * f for z, f in zip(cuts, density, strict=True)]
    probability = jnp.maximum(_probabilities(own, theta, extra), 1e-300)
    return Edges([*zero, *density, *zero], [*zero, *moment, *zero], probability)


def _informations(own: Latent) -> dict[str, OfParameters]:
    of_thresholds = {name: partial(_on_threshold, own, k) for k, name in enumerate(own.names)}
    return {"mu": partial(_on_mu, own), "disc": partial(_on_disc, own), **of_thresholds}


def _crosses(own: Latent) -> dict[tuple[str, str], OfParameters]:
    with_mu = {("mu", name): partial(_with_mu, own, k) for k, name in enumerate(own.names)}
    neighbours = enumerate(zip(own.names, own.names[1:], strict=False))
    return with_mu | {pair: partial(_with_next, own, k) for k, pair in neighbours}


def _on_mu(own: Latent, theta: Thetas, extra: Extra) -> Array:
    f, _, p = _edges(own, theta, extra)
    return theta["disc"].value ** 2 * sum((f[k + 1] - f[k]) ** 2 / p[k] for k in range(len(p)))


def _on_disc(own: Latent, theta: Thetas, extra: Extra) -> Array:
    _, moment, p = _edges(own, theta, extra)
    return sum((moment[k + 1] - moment[k]) ** 2 / p[k] for k in range(len(p)))


def _on_threshold(own: Latent, k: int, theta: Thetas, extra: Extra) -> Array:
    f, _, p = _edges(own, theta, extra)
    return theta["disc"].value ** 2 * f[k + 1] ** 2 * (1.0 / p[k] + 1.0 / p[k + 1])


def _with_mu(own: Latent, k: int, theta: Thetas, extra: Extra) -> Array:
    """Between mu and a threshold."""
    f, _, p = _edges(own, theta, extra)
    changes = (f[k + 1] - f[k]) / p[k] + (f[k + 1] - f[k + 2]) / p[k + 1]
    return -(theta["disc"].value ** 2) * f[k + 1] * changes


def _with_next(own: Latent, k: int, theta: Thetas, extra: Extra) -> Array:
    """Between a threshold and the next one."""
    f, _, p = _edges(own, theta, extra)
    return -(theta["disc"].value ** 2) * f[k + 1] * f[k + 2] / p[k + 1]
