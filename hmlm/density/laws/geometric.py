"""Counts with mean mu and variance ``mu + mu^2``: negative binomial ones of shape one.

With ``rate(…)`` mu is the mean of that many units together and the shape their number, as a sum of
geometric counts has it.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jax import Array
from numpyro import distributions as dist

from hmlm.density.laws import negbinomial
from hmlm.density.laws.law import Extra, Thetas
from hmlm.density.links import Theta

BASE = negbinomial.LAW


def _shaped(theta: Thetas, extra: Extra) -> Thetas:
    shape = jnp.asarray(extra.get("rate", 1.0), theta["mu"].value.dtype)
    return {"mu": theta["mu"], "shape": Theta(shape, jnp.log(shape), jnp.log1p(-shape))}


def _numpyro(theta: Thetas, extra: Extra) -> dist.Distribution:
    if "rate" in extra:
        return dist.NegativeBinomial2(theta["mu"].value, extra["rate"])
    return dist.GeometricProbs(1.0 / (1.0 + theta["mu"].value))


def _score(y: Array, theta: Thetas, extra: Extra) -> dict[str, Array]:
    return {"mu": BASE.score(y, _shaped(theta, extra), extra)["mu"]}


LAW = replace(
    BASE,
    log_density=lambda y, theta, extra: BASE.log_density(y, _shaped(theta, extra), extra),
    score=_score,
    variance=lambda theta, extra: BASE.variance(_shaped(theta, extra), extra),
    simulate=lambda key, theta, extra, shape: BASE.simulate(key, _shaped(theta, extra), extra, shape),
    numpyro=_numpyro,
    information={"mu": lambda theta, extra: BASE.information["mu"](_shaped(theta, extra), extra)},
    log_cdf=lambda y, theta, extra: BASE.log_cdf(y, _shaped(theta, extra), extra),
    log_sf=lambda y, theta, extra: BASE.log_sf(y, _shaped(theta, extra), extra),
)
