"""Log density of rows of any family, from the linear predictors of its distributional parameters.

The derivatives are the closed forms of the family's law; ``custom_jvp`` states them once, for reverse and
forward mode and for derivatives of higher order.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.laws.law import Extra, Law, Thetas
from hmlm.density.laws.registry import law_of
from hmlm.density.linear import linear_predictor, predictor_of
from hmlm.density.links import LINKS, Theta, coordinate
from hmlm.density.parameters import Parameters
from hmlm.spec.family import Family
from hmlm.spec.spec import Spec

Etas = Mapping[str, Array]


class Mapped(NamedTuple):
    """A family and the link of each of its parameters as they enter rows: constants come as their xi."""

    family: Family
    links: tuple[str, ...]

    def thetas(self, eta: Etas) -> dict[str, Theta]:
        """Distributional parameters from linear predictors."""
        return {dpar: LINKS[link].theta(eta[dpar]) for dpar, link in self._links()}

    def slopes(self, eta: Etas) -> dict[str, Array]:
        """``d xi / d eta`` of each."""
        return {
            dpar: LINKS[link].slope(eta[dpar], self.family.parameter(dpar).support)
            for dpar, link in self._links()
        }

    def _links(self) -> list[tuple[str, str]]:
        return list(zip(self.family.dpars, self.links, strict=True))


def mapped(spec: Spec, m: int) -> Mapped:
    """Family and links of an outcome."""
    family = spec.family
    links = [
        family.parameter(dpar).support.link if predictor_of(spec, m, dpar) is None else family.row_link(dpar)
        for dpar in family.dpars
    ]
    return Mapped(family, tuple(links))


def each_family_row(spec: Spec, parameters: Parameters, u: list[Array], data: ModelData) -> Array:
    """(T, L) log density of the rows given all effects, zero where padded."""
    parts = []
    for m in range(len(spec.outcomes)):
        eta = etas(spec, m, parameters, u, data)
        extra = data.additions[m]
        rows = density_with_additions(mapped(spec, m), eta, data.outcomes[m], extra)
        parts.append(jnp.where(data.columns[0] > 0, rows, 0.0))
    return sum(parts)


def each_family_cdf(
    spec: Spec, parameters: Parameters, u: list[Array], data: ModelData, less: float = 0.0
) -> Array:
    """(M, T, L) probability of an outcome of at most y minus ``less``, given the row's effects.

    Of truncated outcomes it is that within their bounds.
    """
    return jnp.stack(
        [
            _cdf(mapped(spec, m), etas(spec, m, parameters, u, data), y - less, data.additions[m])
            for m, y in enumerate(data.outcomes)
        ]
    )


def _cdf(own: Mapped, eta: Etas, y: Array, extra: Extra) -> Array:
    law, thetas = law_of(own.family), own.thetas(eta)
    below = jnp.exp(law.log_cdf(y, thetas, extra))
    if "trunc_lower" not in extra and "trunc_upper" not in extra:
        return below
    if "trunc_lower" in extra:
        below = jnp.maximum(below - jnp.exp(law.log_cdf(_outside(law, extra), thetas, extra)), 0.0)
    return below * jnp.exp(-log_inside(law, thetas, extra))


def etas(spec: Spec, m: int, parameters: Parameters, u: list[Array], data: ModelData) -> dict[str, Array]:
    """Per distributional parameter of an outcome its (T, L) linear predictor, or () xi where it is constant.

    Rows of padding get a value that every law can read.
    """
    own, extra = mapped(spec, m), data.additions[m]
    out = {}
    for dpar, link in zip(spec.family.dpars, own.links, strict=True):
        p = predictor_of(spec, m, dpar)
        if p is None:
            value = parameters.constants[dpar][m]
            out[dpar] = known_xi(spec, dpar, extra) if value is None else _xi(spec, dpar, value)
        else:
            eta = linear_predictor(spec, p, parameters, u, data)
            defined = LINKS[link].defined
            out[dpar] = jnp.where(data.columns[0] > 0, eta, defined) if defined else eta
    return as_stated(own, out, extra)


def _xi(spec: Spec, dpar: str, value: Array) -> Array:
    return coordinate(value, spec.family.parameter(dpar).support)


def known_xi(spec: Spec, dpar: str, extra: Extra) -> Array:
    """Xi of a parameter that is not estimated.

    It is fixed by the family, or log sigma before the standard errors are added that are all there is.
    """
    fixed = spec.family.parameter(dpar).fixed
    return jnp.full_like(extra["se"], -jnp.inf) if fixed is None else _xi(spec, dpar, jnp.asarray(fixed))


def as_stated(own: Mapped, eta: Etas, extra: Extra) -> dict[str, Array]:
    """Linear predictors with what ``rate(…)`` and ``se(…)`` say of every row."""
    return with_errors(own, with_rate(own, eta, extra), extra)


def with_rate(own: Mapped, eta: Etas, extra: Extra) -> dict[str, Array]:
    """Linear predictors of counts of which ``rate(…)`` says the denominator; brms scales the shape along."""
    if "rate" not in extra:
        return dict(eta)
    scaled = [dpar for dpar in ("mu", "shape") if dpar in own.family.dpars]
    return dict(eta) | {dpar: eta[dpar] + jnp.log(extra["rate"]) for dpar in scaled}


def with_errors(own: Mapped, eta: Etas, extra: Extra) -> dict[str, Array]:
    """Linear predictors with the known standard errors ``se(…)`` in sigma, which has a log link."""
    if "se" not in extra:
        return dict(eta)
    variance = extra["se"] ** 2 + extra["se_sigma"] * jnp.exp(2.0 * eta["sigma"])
    return dict(eta) | {"sigma": 0.5 * jnp.log(variance)}


def density_with_additions(own: Mapped, eta: Etas, y: Array, extra: Extra) -> Array:
    """Log density of outcomes as they were recorded: weighted, censored, truncated.

    References:
        Buerkner (2017), doi:10.18637/jss.v080.i01, section on addition terms.
    """
    rows = row_density(own, eta, y, extra)
    law, thetas = law_of(own.family), own.thetas(eta)
    if "cens" in extra:
        rows = _censored(rows, law, y, thetas, extra)
    if "trunc_lower" in extra or "trunc_upper" in extra:
        rows = rows - log_inside(law, thetas, extra)
    return rows * extra["weights"] if "weights" in extra else rows


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def row_density(own: Mapped, eta: Etas, y: Array, extra: Extra) -> Array:
    """Log density of outcomes ``y``, differentiable by ``eta``."""
    return law_of(own.family).log_density(y, own.thetas(eta), extra)


@row_density.defjvp
def _row_density_jvp(own: Mapped, primals, tangents):
    eta, y, extra = primals
    scores = row_scores(own, eta, y, extra)
    change = sum(scores[dpar] * tangents[0][dpar] for dpar in own.family.dpars)
    value = row_density(own, eta, y, extra)
    return value, jnp.broadcast_to(change, value.shape)


def row_scores(own: Mapped, eta: Etas, y: Array, extra: Extra) -> dict[str, Array]:
    """Derivatives of the log density by the linear predictors."""
    scores, slopes = law_of(own.family).score(y, own.thetas(eta), extra), own.slopes(eta)
    return {dpar: scores[dpar] * slopes[dpar] for dpar in own.family.dpars}


def _censored(rows: Array, law: Law, y: Array, thetas: Thetas, extra: Extra) -> Array:
    """The log probability of what is known of each outcome."""
    how = extra["cens"]
    below, above = law.log_cdf(y, thetas, extra), law.log_sf(y, thetas, extra)
    known = jnp.where(how > 0, above, below)
    if "cens_upper" in extra:
        within = _log_difference(law.log_cdf(extra["cens_upper"], thetas, extra), below)
        known = jnp.where(how > 1, within, known)
    return jnp.where(how == 0, rows, known)


def log_inside(law: Law, thetas: Thetas, extra: Extra) -> Array:
    """Log probability of the range that outcomes are truncated to, its bounds included."""
    if "trunc_lower" not in extra:
        return law.log_cdf(extra["trunc_upper"], thetas, extra)
    if "trunc_upper" not in extra:
        return law.log_sf(_outside(law, extra), thetas, extra)
    most, least = (law.log_cdf(y, thetas, extra) for y in (extra["trunc_upper"], _outside(law, extra)))
    return _log_difference(most, least)


def _outside(law: Law, extra: Extra) -> Array:
    """The largest outcome that the lower bound leaves out: the bound itself of a continuous family."""
    return extra["trunc_lower"] - (1.0 if law.discrete else 0.0)


def _log_difference(larger: Array, smaller: Array) -> Array:
    """``log(exp(larger) - exp(smaller))``."""
    return larger + jnp.log(-jnp.expm1(jnp.minimum(smaller - larger, -1e-300)))
