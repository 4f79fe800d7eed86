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

from hmlm.density.autoregressive import Autoregressive
from hmlm.density.data import block_columns, column_means
from hmlm.density.family_rows import (
    as_stated,
    density_with_additions,
    known_xi,
    mapped,
)
from hmlm.density.laws.law import Extra
from hmlm.density.laws.registry import law_of
from hmlm.density.linear import predictor_of
from hmlm.density.links import coordinate
from hmlm.density.mixing import known_covariance
from hmlm.density.ordered import Ordered
from hmlm.density.priors import to_numpyro
from hmlm.density.repeated_normal import RepeatedNormal, compound_symmetry
from hmlm.density.shrunk_program import shrunk_coefficients
from hmlm.spec.names import (
    coefficient_names,
    constant_name,
    intercept_name,
    monotonic_names,
    sd_coefficient_names,
    sd_names,
    smooth_names,
    vector_name,
)
from hmlm.spec.spec import AR, COSY, JOINT, Block, Constant, Spec
from hmlm.spec.support import Support
from hmlm.types import Design

Program = Callable[..., None]
Arrays = Mapping[str, np.ndarray]
Sampled = Mapping[str, Array]
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
        W: Arrays = NOTHING,
        previous: Arrays = NOTHING,
        cov: Arrays = NOTHING,
        memberships: Arrays = NOTHING,
        series: Arrays = NOTHING,
        place: Arrays = NOTHING,
    ) -> None:
        sigma = shared_sigma(spec)
        eta = {
            p: population_level(spec, p, X, sigma) + offset.get(predictor_key(spec, p), 0.0)
            for p in range(len(spec.predictors))
        }
        scales = level_scales(spec, W)
        for b, block in enumerate(spec.blocks):
            u = group_effects(spec, b, scales.get(b, 1.0), cov.get(block.name))
            factor = spec.factors[block.factor].name
            rows = Z[block.name] * of_rows(u, idx[factor], memberships.get(factor))
            for q, term in enumerate(block.terms):
                eta[term.predictor] = eta[term.predictor] + rows[:, q]
        if spec.in_turn:
            _series(spec, eta, y, previous[spec.outcomes[0]], sigma)
            return
        if spec.repeated:
            _repeated(spec, eta, y, series[spec.outcomes[0]], place[spec.outcomes[0]], sigma)
            return
        likelihood(spec, eta, y, additions, sigma)

    return model


def program_arguments(spec: Spec, design: Design) -> dict[str, Arrays]:
    """Keyword arguments of the program.

    Returns:
        ``X``: per predictor (N, K) columns, centred where the spec centres; ``Z``: per block (N, Q)
        columns; ``idx``: per factor (N,) levels; ``y``: per outcome (N,). Where the formula has them
        ``offset``: per predictor (N,), ``additions``: per outcome the (N,) values of addition terms, and
        ``W``: per predictor of standard deviations between levels (J, W) columns, centred likewise;
        ``previous``: per outcome the (N,) row before each in its series, -1 for the first; ``series`` and
        ``place``: per outcome (N,), which series' correlation matrix has a row for each, and which row;
        ``cov``: per block the (J, J) known covariance of its levels; ``memberships``: per factor of
        ``mm()``, whose ``idx`` is (N, M), the (N, M) weights.
    """
    means = column_means(spec, design)
    offset = {
        predictor_key(spec, p): part.offset
        for p, part in enumerate(design.predictors)
        if part.offset is not None
    }
    additions = {o.name: dict(o.additions) for o in design.outcomes if o.additions}
    levels = {sd.prefix: part.matrix - part.means for sd, part in zip(spec.sds, design.sds, strict=True)}
    previous = {o.name: o.series.previous for o in design.outcomes if o.series is not None}
    cov = {block.name: known_covariance(block, design) for block in spec.blocks if block.known is not None}
    weights = {f.name: f.members.weights for f in design.factors if f.members is not None}
    repeated = {o.name: o.repeated for o in design.outcomes if o.repeated is not None}
    more = _present(
        offset=offset,
        additions=additions,
        W=levels,
        previous=previous,
        series={name: known.index for name, known in repeated.items()},
        place={name: known.place for name, known in repeated.items()},
        cov=cov,
        memberships=weights,
    )
    return _arguments(spec, design, means) | more


def _present(**arguments: Arrays) -> dict[str, Arrays]:
    return {name: value for name, value in arguments.items() if value}


def _arguments(spec: Spec, design: Design, means: tuple[np.ndarray, ...]) -> dict[str, Arrays]:
    return {
        "X": {
            predictor_key(spec, p): part.population.matrix - means[p]
            for p, part in enumerate(design.predictors)
        },
        "Z": {block.name: block_columns(block, design).T for block in spec.blocks},
        "idx": {f.name: f.index if f.members is None else f.members.index for f in design.factors},
        "y": {outcome.name: outcome.values for outcome in design.outcomes},
    }


def predictor_key(spec: Spec, p: int) -> str:
    """Name of a predictor in ``X``: ``"mu"``, with several outcomes ``"mu_NAstd"``, of all ``"rescor"``."""
    predictor = spec.predictors[p]
    if predictor.response == JOINT:
        return predictor.dpar
    outcome = spec.outcomes[predictor.response]
    return f"{predictor.dpar}_{outcome}" if spec.multivariate else predictor.dpar


def shared_sigma(spec: Spec) -> Sampled:
    """Residual standard deviations that multiply the scales of coefficients, by their names."""
    shared = {p.response for p in spec.predictors if p.shrinkage and p.shrinkage.by_sigma}
    own = [c for c in spec.scalars if c.dpar == "sigma" and c.response in shared]
    return {constant_name(spec, c.response, c.dpar): _constant(spec, c, {}) for c in own}


def population_level(spec: Spec, p: int, X: Arrays, sigma: Sampled = NOTHING) -> Array:
    """``intercept + X b`` of one predictor; with centred columns ``b_Intercept`` is derived."""
    predictor, columns = spec.predictors[p], X[predictor_key(spec, p)]
    found = {} if predictor.shrinkage is None else shrunk_coefficients(spec, p, sigma)
    priors = zip(coefficient_names(spec, p), predictor.priors, strict=True)
    b = [
        found[name] if name in found else numpyro.sample(name, to_numpyro(prior, Support.REAL))
        for name, prior in priors
    ]
    b.extend(step for part in range(len(predictor.monotonic)) for step in monotonic_steps(spec, p, part))
    b.extend(s for part in range(len(predictor.smooths)) for s in wiggly_coefficients(spec, p, part))
    eta = columns @ jnp.stack(b) if b else jnp.zeros(columns.shape[0])
    if predictor.intercept is None:
        return eta
    name = f"centered_{intercept_name(spec, p)}" if predictor.centered else intercept_name(spec, p)
    return eta + numpyro.sample(name, to_numpyro(predictor.intercept, Support.REAL))


def monotonic_steps(spec: Spec, p: int, part: int) -> Array:
    """(D,) steps ``b D zeta`` of a monotonic effect."""
    effect, (name, simplex) = spec.predictors[p].monotonic[part], monotonic_names(spec, p)[part]
    b = numpyro.sample(name, to_numpyro(effect.prior, Support.REAL))
    zeta = numpyro.sample(vector_name(simplex), dist.Dirichlet(jnp.array(effect.simplex)))
    return b * effect.size * zeta


def wiggly_coefficients(spec: Spec, p: int, part: int) -> Array:
    """(size,) coefficients ``s = sds z`` of a smooth function, z standard normal."""
    smooth, (name, wiggly) = spec.predictors[p].smooths[part], smooth_names(spec, p)[part]
    site = vector_name(wiggly)
    sds = numpyro.sample(name, to_numpyro(smooth.prior, Support.POSITIVE))
    z = numpyro.sample(f"z{site}", dist.Normal(0, 1).expand([smooth.size]).to_event(1))
    return numpyro.deterministic(site, sds * z)


def group_effects(spec: Spec, b: int, scale: Array | float, cov: np.ndarray | None = None) -> Array:
    """(J, Q) effects ``u = (z L') * scale`` of a block, ``L = diag(tau) chol(R)``, z standard normal.

    With a known covariance A between levels ``u = chol(A) z L'``.
    """
    block = spec.blocks[b]
    names = dict(zip(block.order, sd_names(spec, block), strict=True))
    tau = [numpyro.sample(names[q], to_numpyro(block.sd[q], Support.POSITIVE)) for q in range(block.n_sd)]
    tau = jnp.stack([*tau, *(numpyro.deterministic(names[q], tau[0]) for q in range(len(tau), block.size))])
    factor = tau[:, None] * correlation_factor(block)
    with numpyro.plate(f"levels_{block.name}", spec.factors[block.factor].n_levels):
        z = numpyro.sample(f"z_{block.name}", dist.Normal(0, 1).expand([block.size]).to_event(1))
    z = z if cov is None else jnp.linalg.cholesky(jnp.asarray(cov)) @ z
    return numpyro.deterministic(f"u_{block.name}", z @ factor.T * scale)


def of_rows(u: Array, index: np.ndarray, weights: np.ndarray | None) -> Array:
    """(N, Q) effects of the rows' levels, weighted sums of those of several."""
    return u[index] if weights is None else jnp.sum(u[index] * weights[..., None], axis=1)


def level_scales(spec: Spec, W: Arrays) -> dict[int, Array]:
    """By block (J, Q) factors ``exp(w'gamma)`` of its standard deviations in each level."""
    out: dict[int, Array] = {}
    for s, part in enumerate(spec.sds):
        priors = zip(sd_coefficient_names(spec, s), part.priors, strict=True)
        gamma = [numpyro.sample(name, to_numpyro(prior, Support.REAL)) for name, prior in priors]
        scale = jnp.exp(W[part.prefix] @ jnp.stack(gamma))
        for b, q in part.terms:
            known = out.get(b, jnp.ones((len(scale), spec.blocks[b].size)))
            out[b] = known.at[:, q].set(scale)
    return out


def correlation_factor(block: Block) -> Array:
    """Cholesky factor of the block's correlation matrix, the identity for ``||``."""
    if block.structure is not None:
        rho = numpyro.sample(f"rho_{block.name}", dist.Uniform(block.lowest_rho, 1.0))
        q = np.arange(block.size)
        lags = np.abs(q[:, None] - q)
        matrix = rho**lags if block.structure.in_turn else jnp.where(lags == 0, 1.0, rho)
        return numpyro.deterministic(f"L_{block.name}", jnp.linalg.cholesky(matrix))
    if block.cor is None:
        return jnp.eye(block.size)
    return numpyro.sample(f"L_{block.name}", dist.LKJCholesky(block.size, block.cor))


def likelihood(
    spec: Spec,
    eta: Mapping[int, Array],
    y: Arrays | None,
    additions: Mapping[str, Arrays],
    sigma: Sampled = NOTHING,
) -> None:
    """The outcomes' distributions; jointly normal where their residuals correlate."""
    if spec.correlated:
        _joint(spec, eta, y, sigma)
        return
    law = law_of(spec.family)
    for m, outcome in enumerate(spec.outcomes):
        extra = {name: jnp.asarray(values) for name, values in additions.get(outcome, {}).items()}
        own, rows = mapped(spec, m), row_etas(spec, m, eta, extra, sigma)
        observed = None if y is None else y[outcome]
        if observed is not None and set(extra) & BOUNDS:
            numpyro.factor(outcome, density_with_additions(own, rows, jnp.asarray(observed), extra))
            continue
        with numpyro.handlers.scale(scale=extra.get("weights", 1.0)):
            numpyro.sample(outcome, law.numpyro(own.thetas(rows), extra), obs=observed)


def row_etas(
    spec: Spec, m: int, eta: Mapping[int, Array], extra: Extra, sampled: Sampled
) -> dict[str, Array]:
    """Linear predictors of an outcome's distributional parameters, constants sampled as they are."""
    out = {}
    constants = {c.dpar: c for c in spec.scalars if c.response == m}
    out |= thresholds(spec)
    for dpar in spec.family.modelled:
        p = predictor_of(spec, m, dpar)
        if p is not None:
            out[dpar] = eta[p]
        elif dpar in constants:
            own = constants[dpar]
            out[dpar] = coordinate(_constant(spec, own, sampled), own.support)
        else:
            out[dpar] = known_xi(spec, dpar, extra)
    return as_stated(mapped(spec, m), out, extra)


def _constant(spec: Spec, own: Constant, sampled: Sampled) -> Array:
    """A constant, sampled unless it was before."""
    name = constant_name(spec, own.response, own.dpar)
    return sampled[name] if name in sampled else numpyro.sample(name, to_numpyro(own.prior, own.support))


def thresholds(spec: Spec) -> dict[str, Array]:
    """Thresholds between levels, one increasing vector; those of centred columns by a name of their own."""
    if not spec.thresholds:
        return {}
    centered = any(p.centered for p in spec.predictors if p.dpar == "mu")
    name = "centered_b_Intercept" if centered else "b_Intercept"
    values = numpyro.sample(name, Ordered([own.prior for own in spec.thresholds]))
    return {own.dpar: values[k] for k, own in enumerate(spec.thresholds)}


def residual_factor(spec: Spec, eta: Mapping[int, Array]) -> Array:
    """(M, M) Cholesky factor of the residual correlation, (N, 2, 2) row by row where it has a formula."""
    p = spec.rescor_predictor
    if p is None:
        return numpyro.sample("L_rescor", dist.LKJCholesky(len(spec.outcomes), spec.rescor))
    rho = jnp.tanh(eta[p])
    matrix = jnp.stack([jnp.ones_like(rho), rho, rho, jnp.ones_like(rho)], axis=-1)
    return jnp.linalg.cholesky(matrix.reshape(*rho.shape, 2, 2))


def _joint(spec: Spec, eta: Mapping[int, Array], y: Arrays | None, sampled: Sampled) -> None:
    both = (location_scale(spec, m, eta, sampled) for m in range(len(spec.outcomes)))
    mean, sigma = zip(*both, strict=True)
    factor = residual_factor(spec, eta)
    scale = jnp.stack(jnp.broadcast_arrays(*sigma, mean[0])[:-1], axis=-1)
    joint = dist.MultivariateNormal(jnp.stack(mean, axis=-1), scale_tril=scale[..., None] * factor)
    observed = None if y is None else jnp.stack([y[name] for name in spec.outcomes], axis=-1)
    numpyro.sample("y", joint, obs=observed)


def _series(
    spec: Spec, eta: Mapping[int, Array], y: Arrays | None, previous: np.ndarray, sampled: Sampled
) -> None:
    """The one outcome where residuals depend on those before them."""
    (outcome,) = spec.outcomes
    (ar,) = (constant for constant in spec.constants if constant.dpar == AR)
    mean, scale = location_scale(spec, 0, eta, sampled)
    rho = numpyro.sample(constant_name(spec, 0, AR), to_numpyro(ar.prior, ar.support))
    joint = Autoregressive(mean, scale, rho, previous, stationary=spec.autocor.stationary)
    numpyro.sample(outcome, joint, obs=None if y is None else y[outcome])


def _repeated(
    spec: Spec,
    eta: Mapping[int, Array],
    y: Arrays | None,
    series: np.ndarray,
    place: np.ndarray,
    sampled: Sampled,
) -> None:
    """The one outcome whose residuals have a correlation matrix within series."""
    (outcome,) = spec.outcomes
    mean, scale = location_scale(spec, 0, eta, sampled)
    if spec.cortime is None:
        (cosy,) = (constant for constant in spec.constants if constant.dpar == COSY)
        correlation = compound_symmetry(_constant(spec, cosy, sampled), int(place.max()) + 1)
    else:
        factor = numpyro.sample("L_cortime", dist.LKJCholesky(len(spec.times), spec.cortime))
        correlation = factor @ factor.T
    joint = RepeatedNormal(mean, scale, correlation, series, place)
    numpyro.sample(outcome, joint, obs=None if y is None else y[outcome])


def location_scale(spec: Spec, m: int, eta: Mapping[int, Array], sampled: Sampled) -> tuple[Array, Array]:
    """Mean and standard deviation of a normal outcome."""
    thetas = mapped(spec, m).thetas(row_etas(spec, m, eta, {}, sampled))
    return thetas["mu"].value, thetas["sigma"].value
