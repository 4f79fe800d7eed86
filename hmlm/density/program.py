"""The model as a plain NumPyro program: the textbook statement that everything else must agree with.

Priors on every parameter by its name, group effects non-centred through the Cholesky factor of an LKJ
correlation matrix, outcomes by their family. Run it with NumPyro's own samplers, or with ``Predictive``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array
from numpyro import distributions as dist

from hmlm.density.data import block_columns, column_means
from hmlm.density.family_rows import (
    density_with_additions,
    mapped,
    unknown_sigma,
    with_errors,
    with_rate,
)
from hmlm.density.laws.law import Extra
from hmlm.density.laws.registry import law_of
from hmlm.density.linear import predictor_of
from hmlm.density.links import coordinate
from hmlm.density.priors import to_numpyro
from hmlm.spec.names import coefficient_names, constant_name, intercept_name, monotonic_names, sd_names
from hmlm.spec.spec import Block, Spec
from hmlm.spec.support import Support
from hmlm.types import Design

Program = Callable[..., None]
Arrays = Mapping[str, np.ndarray]
NOTHING: Mapping = {}
BOUNDS = {"cens", "trunc_lower", "trunc_upper"}


def make_program(spec: Spec) -> Program:
    """The NumPyro program of a spec; its arguments are those of :func:`program_arguments`."""

    def model(
        X: Arrays,
        Z: Arrays,
        idx: Arrays,
        y: Arrays | None = None,
        offset: Arrays = NOTHING,
        additions: Mapping[str, Arrays] = NOTHING,
    ) -> None:
        eta = {
            p: population_level(spec, p, X) + offset.get(predictor_key(spec, p), 0.0)
            for p in range(len(spec.predictors))
        }
        for b, block in enumerate(spec.blocks):
            u = group_effects(spec, b)
            rows = Z[block.name] * u[idx[spec.factors[block.factor].name]]
            for q, term in enumerate(block.terms):
                eta[term.predictor] = eta[term.predictor] + rows[:, q]
        likelihood(spec, eta, y, additions)

    return model


def program_arguments(spec: Spec, design: Design) -> dict[str, Arrays]:
    """Keyword arguments of the program.

    Returns:
        ``X``: per predictor (N, K) columns, centred where the spec centres; ``Z``: per block (N, Q)
        columns; ``idx``: per factor (N,) levels; ``y``: per outcome (N,). Where the formula has them
        ``offset``: per predictor (N,), and ``additions``: per outcome the (N,) values of addition terms.
    """
    means = column_means(spec, design)
    offset = {
        predictor_key(spec, p): part.offset
        for p, part in enumerate(design.predictors)
        if part.offset is not None
    }
    additions = {o.name: dict(o.additions) for o in design.outcomes if o.additions}
    return _arguments(spec, design, means) | _present(offset=offset, additions=additions)


def _present(**arguments: Arrays) -> dict[str, Arrays]:
    return {name: value for name, value in arguments.items() if value}


def _arguments(spec: Spec, design: Design, means: tuple[np.ndarray, ...]) -> dict[str, Arrays]:
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
    b = [numpyro.sample(name, to_numpyro(prior, Support.REAL)) for name, prior in priors]
    b.extend(step for part in range(len(predictor.monotonic)) for step in monotonic_steps(spec, p, part))
    eta = columns @ jnp.stack(b) if b else jnp.zeros(columns.shape[0])
    if predictor.intercept is None:
        return eta
    name = f"centered_{intercept_name(spec, p)}" if predictor.centered else intercept_name(spec, p)
    return eta + numpyro.sample(name, to_numpyro(predictor.intercept, Support.REAL))


def monotonic_steps(spec: Spec, p: int, part: int) -> Array:
    """(D,) steps ``b D zeta`` of a monotonic effect."""
    effect, (name, simplex) = spec.predictors[p].monotonic[part], monotonic_names(spec, p)[part]
    b = numpyro.sample(name, to_numpyro(effect.prior, Support.REAL))
    zeta = numpyro.sample(simplex[0].removesuffix("[1]"), dist.Dirichlet(jnp.array(effect.simplex)))
    return b * effect.size * zeta


def group_effects(spec: Spec, b: int) -> Array:
    """(J, Q) effects ``u = z L'`` of a block, ``L = diag(tau) chol(R)``, z standard normal."""
    block = spec.blocks[b]
    names = dict(zip(block.order, sd_names(spec, block), strict=True))
    tau = jnp.stack(
        [numpyro.sample(names[q], to_numpyro(block.sd[q], Support.POSITIVE)) for q in range(block.size)]
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


def likelihood(
    spec: Spec, eta: Mapping[int, Array], y: Arrays | None, additions: Mapping[str, Arrays]
) -> None:
    """The outcomes' distributions; jointly normal where their residuals correlate."""
    if spec.rescor is not None:
        _joint(spec, eta, y)
        return
    law = law_of(spec.family)
    for m, outcome in enumerate(spec.outcomes):
        extra = {name: jnp.asarray(values) for name, values in additions.get(outcome, {}).items()}
        own, rows = mapped(spec, m), row_etas(spec, m, eta, extra)
        observed = None if y is None else y[outcome]
        if observed is not None and set(extra) & BOUNDS:
            numpyro.factor(outcome, density_with_additions(own, rows, jnp.asarray(observed), extra))
            continue
        with numpyro.handlers.scale(scale=extra.get("weights", 1.0)):
            numpyro.sample(outcome, law.numpyro(own.thetas(rows), extra), obs=observed)


def row_etas(spec: Spec, m: int, eta: Mapping[int, Array], extra: Extra) -> dict[str, Array]:
    """Linear predictors of an outcome's distributional parameters, constants sampled as they are."""
    out = {}
    constants = {c.dpar: c for c in spec.constants if c.response == m}
    for dpar in spec.family.dpars:
        p = predictor_of(spec, m, dpar)
        if p is not None:
            out[dpar] = eta[p]
        elif dpar in constants:
            own = constants[dpar]
            value = numpyro.sample(constant_name(spec, m, dpar), to_numpyro(own.prior, own.support))
            out[dpar] = coordinate(value, own.support)
        else:
            out[dpar] = unknown_sigma(extra)
    return with_errors(mapped(spec, m), with_rate(mapped(spec, m), out, extra), extra)


def _joint(spec: Spec, eta: Mapping[int, Array], y: Arrays | None) -> None:
    mean, sigma = zip(*(location_scale(spec, m, eta) for m in range(len(spec.outcomes))), strict=True)
    factor = numpyro.sample("L_rescor", dist.LKJCholesky(len(spec.outcomes), spec.rescor))
    scale = jnp.stack(jnp.broadcast_arrays(*sigma, mean[0])[:-1], axis=-1)
    joint = dist.MultivariateNormal(jnp.stack(mean, axis=-1), scale_tril=scale[..., None] * factor)
    observed = None if y is None else jnp.stack([y[name] for name in spec.outcomes], axis=-1)
    numpyro.sample("y", joint, obs=observed)


def location_scale(spec: Spec, m: int, eta: Mapping[int, Array]) -> tuple[Array, Array]:
    """Mean and standard deviation of a normal outcome."""
    thetas = mapped(spec, m).thetas(row_etas(spec, m, eta, {}))
    return thetas["mu"].value, thetas["sigma"].value
