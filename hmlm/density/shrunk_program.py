"""Shrinkage priors as NumPyro statements, part of the textbook program."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro import distributions as dist

from hmlm.density.priors import to_numpyro
from hmlm.spec.names import coefficient_names, constant_name, shrinkage_name
from hmlm.spec.shrinkage import HORSESHOE, Shrinkage
from hmlm.spec.spec import Spec
from hmlm.spec.support import Support
from hmlm.types import Distribution


def shrunk_coefficients(spec: Spec, p: int, sampled: Mapping[str, Array]) -> dict[str, Array]:
    """Coefficients that are shrunk, by their names: ``b = zb s``; ``sampled`` has sigma."""
    predictor = spec.predictors[p]
    shrinkage = predictor.shrinkage
    sigma = sampled[constant_name(spec, predictor.response, "sigma")] if shrinkage.by_sigma else 1.0
    scales = _horseshoe if shrinkage.kind == HORSESHOE else _r2d2
    normal = dist.Normal(0, 1).expand([shrinkage.size]).to_event(1)
    z = numpyro.sample(shrinkage_name(spec, p, "zb"), normal)
    b = z * scales(shrinkage, [shrinkage_name(spec, p, name) for name in shrinkage.names], sigma)
    names = [coefficient_names(spec, p)[k] for k in shrinkage.columns]
    return {name: numpyro.deterministic(name, b[k]) for k, name in enumerate(names)}


def _horseshoe(shrinkage: Shrinkage, names: list[str], sigma: Array | float) -> Array:
    df, scale_global, df_global, scale_slab, df_slab = shrinkage.args
    global_, slab_, local_ = names
    one, half = to_numpyro(Distribution("student_t", (df_global, 0.0, 1.0)), Support.POSITIVE), df_slab / 2
    scaled = dist.TransformedDistribution(one, dist.transforms.AffineTransform(0.0, scale_global * sigma))
    tau = numpyro.sample(global_, scaled)
    slab = numpyro.sample(slab_, dist.InverseGamma(half, half))
    each = to_numpyro(Distribution("student_t", (df, 0.0, 1.0)), Support.POSITIVE)
    lambda_ = numpyro.sample(local_, each.expand([shrinkage.size]).to_event(1))
    c2 = scale_slab**2 * slab
    return tau * jnp.sqrt(c2 * lambda_**2 / (c2 + tau**2 * lambda_**2))


def _r2d2(shrinkage: Shrinkage, names: list[str], sigma: Array | float) -> Array:
    r2 = numpyro.sample(names[0], dist.Beta(*shrinkage.args[:2]))
    phi = numpyro.sample(names[1], dist.Dirichlet(jnp.array(shrinkage.args[2:])))
    return jnp.sqrt(sigma**2 * r2 / (1 - r2) * phi)
