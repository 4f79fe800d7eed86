"""The model as a plain NumPyro program: the textbook statement that everything else must agree with.

Priors on every parameter by its name, group effects non-centred through the Cholesky factor of an LKJ
correlation matrix, outcomes Gaussian. Run it with NumPyro's own samplers, or with ``Predictive``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array
from numpyro import distributions as dist

from hmlm.density.data import block_columns, column_means
from hmlm.density.priors import to_numpyro
from hmlm.spec.names import coefficient_names, intercept_name, sd_names, sigma_name
from hmlm.spec.spec import Block, Spec
from hmlm.types import Design

Program = Callable[..., None]
Arrays = Mapping[str, np.ndarray]


def make_program(spec: Spec) -> Program:
    """The NumPyro program of a spec; its arguments are those of :func:`program_arguments`."""

    def model(X: Arrays, Z: Arrays, idx: Arrays, y: Arrays | None = None) -> None:
        eta = {p: population_level(spec, p, X) for p in range(len(spec.predictors))}
        for b, block in enumerate(spec.blocks):
            u = group_effects(spec, b)
            rows = Z[block.name] * u[idx[spec.factors[block.factor].name]]
            for q, term in enumerate(block.terms):
                eta[term.predictor] = eta[term.predictor] + rows[:, q]
        likelihood(spec, eta, y)

    return model


def program_arguments(spec: Spec, design: Design) -> dict[str, Arrays]:
    """Keyword arguments of the program.

    Returns:
        ``X``: per predictor (N, K) columns, centred where the spec centres; ``Z``: per block (N, Q)
        columns; ``idx``: per factor (N,) levels; ``y``: per outcome (N,).
    """
    means = column_means(spec, design)
    return {
        "X": {
            predictor_key(spec, p): part.population.matrix - means[p]
            for p, part in enumerate(design.predictors)
        },
        "Z": {block.name: block_columns(block, design).T for block in spec.blocks},
        "idx": {factor.name: factor.index for factor in design.factors},
        "y": {outcome.name: outcome.values for outcome in design.outcomes},
    }


def predictor_key(spec: Spec, p: int) -> str:
    """Name of a predictor in ``X``: ``"mu"``, ``"sigma"``, with several outcomes ``"mu_NAstd"``."""
    predictor = spec.predictors[p]
    outcome = spec.outcomes[predictor.response]
    return f"{predictor.dpar}_{outcome}" if spec.multivariate else predictor.dpar


def population_level(spec: Spec, p: int, X: Arrays) -> Array:
    """``intercept + X b`` of one predictor; with centred columns ``b_Intercept`` is derived."""
    predictor, columns = spec.predictors[p], X[predictor_key(spec, p)]
    priors = zip(coefficient_names(spec, p), predictor.priors, strict=True)
    b = [numpyro.sample(name, to_numpyro(prior, positive=False)) for name, prior in priors]
    eta = columns @ jnp.stack(b) if b else jnp.zeros(columns.shape[0])
    if predictor.intercept is None:
        return eta
    name = f"centered_{intercept_name(spec, p)}" if predictor.centered else intercept_name(spec, p)
    return eta + numpyro.sample(name, to_numpyro(predictor.intercept, positive=False))


def group_effects(spec: Spec, b: int) -> Array:
    """(J, Q) effects ``u = z L'`` of a block, ``L = diag(tau) chol(R)``, z standard normal."""
    block = spec.blocks[b]
    names = dict(zip(block.order, sd_names(spec, block), strict=True))
    tau = jnp.stack(
        [numpyro.sample(names[q], to_numpyro(block.sd[q], positive=True)) for q in range(block.size)]
    )
    factor = tau[:, None] * correlation_factor(block)
    with numpyro.plate(f"levels_{block.name}", spec.factors[block.factor].n_levels):
        z = numpyro.sample(f"z_{block.name}", dist.Normal(0, 1).expand([block.size]).to_event(1))
    return numpyro.deterministic(f"u_{block.name}", z @ factor.T)


def correlation_factor(block: Block) -> Array:
    """Cholesky factor of the block's correlation matrix, the identity for ``||``."""
    if block.cor is None:
        return jnp.eye(block.size)
    return numpyro.sample(f"L_{block.name}", dist.LKJCholesky(block.size, block.cor))


def likelihood(spec: Spec, eta: Mapping[int, Array], y: Arrays | None) -> None:
    """Gaussian outcomes, together where their residuals correlate."""
    mean, sigma = zip(*(location_scale(spec, m, eta) for m in range(len(spec.outcomes))), strict=True)
    if spec.rescor is None:
        for m, outcome in enumerate(spec.outcomes):
            observed = None if y is None else y[outcome]
            numpyro.sample(outcome, dist.Normal(mean[m], sigma[m]), obs=observed)
        return
    factor = numpyro.sample("L_rescor", dist.LKJCholesky(len(spec.outcomes), spec.rescor))
    scale = jnp.stack(jnp.broadcast_arrays(*sigma, mean[0])[:-1], axis=-1)
    joint = dist.MultivariateNormal(jnp.stack(mean, axis=-1), scale_tril=scale[..., None] * factor)
    observed = None if y is None else jnp.stack([y[name] for name in spec.outcomes], axis=-1)
    numpyro.sample("y", joint, obs=observed)


def location_scale(spec: Spec, m: int, eta: Mapping[int, Array]) -> tuple[Array, Array]:
    """Mean and standard deviation of an outcome; log link where sigma has a formula."""
    own = {p.dpar: eta[i] for i, p in enumerate(spec.predictors) if p.response == m}
    if "sigma" in own:
        return own["mu"], jnp.exp(own["sigma"])
    return own["mu"], numpyro.sample(sigma_name(spec, m), to_numpyro(spec.sigma[m], positive=True))
