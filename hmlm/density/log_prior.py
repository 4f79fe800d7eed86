"""Log prior density of draws, parameter by parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from scipy.special import xlogy

from hmlm.density.data import column_means
from hmlm.density.precision import double_precision
from hmlm.density.priors import to_numpyro
from hmlm.spec.distribution import is_flat
from hmlm.spec.names import (
    coefficient_names,
    cor_names,
    cortime_names,
    intercept_name,
    monotonic_names,
    rescor_names,
    shrinkage_names,
    sigma_name,
    vector_name,
)
from hmlm.spec.scalars import scalar_priors
from hmlm.spec.shrinkage import HORSESHOE
from hmlm.spec.spec import Spec
from hmlm.types import Design

Draws = Mapping[str, np.ndarray]


def log_prior(spec: Spec, design: Design, draws: Draws) -> dict[str, np.ndarray]:
    """Log prior density of every parameter with a prior of its own, on its natural scale.

    Of shrinkage priors, as in brms, the overall scales are here, ``hs_global``, ``hs_slab`` and ``R2D2_R2``:
    coefficients and local scales given these belong to the model. Flat priors count 0, correlation matrices
    ``(eta - 1) log |R|`` and the steps of monotonic effects ``sum((alpha - 1) log zeta)`` without their
    constants. Group effects are not among them: their distribution belongs to the model.

    Args:
        spec: the model.
        design: its columns, for the intercepts of centred ones, whose prior is that of the centred intercept.
        draws: parameters by draws' names, all of one shape.

    Returns:
        By name arrays of that shape; a block's correlations are together, ``"cor_id"``, and the steps of an
        effect, ``"simo_mox1"``.
    """
    values = {**draws, **_centered(spec, design, draws)}
    found = {}
    with double_precision():
        for scalar in scalar_priors(spec):
            value = values[scalar.name]
            flat = is_flat(scalar.prior)
            density = 0.0 if flat else to_numpyro(scalar.prior, scalar.support).log_prob(jnp.asarray(value))
            found[scalar.name] = np.broadcast_to(np.asarray(density), value.shape)
        found |= _shrinkage(spec, draws)
    return found | dict(_simplexes(spec, draws)) | dict(_correlations(spec, draws))


def _centered(spec: Spec, design: Design, draws: Draws) -> dict[str, np.ndarray]:
    """Intercepts at the means of their columns, where the prior is on these."""
    means, out = column_means(spec, design), {}
    for p, predictor in enumerate(spec.predictors):
        if predictor.intercept is not None and predictor.centered:
            name = intercept_name(spec, p)
            slopes = np.stack([draws[slope] for slope in coefficient_names(spec, p)], axis=-1)
            out[name] = draws[name] + slopes @ means[p][: len(predictor.names)]
    return out


def _simplexes(spec: Spec, draws: Draws) -> Iterator[tuple[str, np.ndarray]]:
    for p, predictor in enumerate(spec.predictors):
        for effect, (_, simplex) in zip(predictor.monotonic, monotonic_names(spec, p), strict=True):
            pairs = zip(effect.simplex, simplex, strict=True)
            density = sum(xlogy(alpha - 1.0, draws[name]) for alpha, name in pairs)
            yield vector_name(simplex), density


def _shrinkage(spec: Spec, draws: Draws) -> dict[str, np.ndarray]:
    """Overall scales of shrinkage priors, ``hs_global`` given sigma."""
    out = {}
    for p, predictor in enumerate(spec.predictors):
        if predictor.shrinkage is None:
            continue
        scaled = predictor.shrinkage.by_sigma and predictor.shrinkage.kind == HORSESHOE
        sigma = draws[sigma_name(spec, predictor.response)] if scaled else 1.0
        overall = [name for name in shrinkage_names(spec, p) if not name.endswith("]")]
        known = zip(overall, predictor.shrinkage.coordinates, (sigma, 1.0), strict=False)
        for name, (prior, support), by in known:
            found = to_numpyro(prior, support).log_prob(jnp.asarray(draws[name] / by))
            out[name] = np.asarray(found) - np.log(by)
    return out


def _correlations(spec: Spec, draws: Draws) -> Iterator[tuple[str, np.ndarray]]:
    for block in spec.blocks:
        if block.cor is not None:
            yield f"cor_{block.name}", _lkj(block.size, block.cor, cor_names(spec, block), draws)
    if spec.cortime is not None:
        yield "cortime", _lkj(len(spec.times), spec.cortime, cortime_names(spec), draws)
    if spec.rescor is not None:
        yield "rescor", _lkj(len(spec.outcomes), spec.rescor, rescor_names(spec), draws)


def _lkj(size: int, eta: float, pairs: Sequence[tuple[str, int, int]], draws: Draws) -> np.ndarray:
    shape = draws[pairs[0][0]].shape
    matrix = np.broadcast_to(np.eye(size), (*shape, size, size)).copy()
    for name, i, j in pairs:
        matrix[..., i, j] = matrix[..., j, i] = draws[name]
    return (eta - 1.0) * np.linalg.slogdet(matrix)[1]
