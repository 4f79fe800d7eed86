"""Covariances that a model implies, at their posterior means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmlm.results.plots.choose import design_of, predictor_index, spec_of
from hmlm.results.plots.parts import (
    coefficient_draws,
    correlation_draws,
    effect_draws,
    prefixed,
    varying,
)
from hmlm.results.plots.pooling import column_of_term
from hmlm.spec.names import sigma_name

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


def effect_covariance(fit: Fit, factor: str, predictor: int, terms: list[str]) -> np.ndarray:
    """(Q, Q) posterior mean of the covariance of a predictor's coefficients between levels."""
    spec = spec_of(fit)
    names = [prefixed(spec, predictor, term) for term in terms]
    sds = [fit.posterior[f"sd_{factor}__{name}"] for name in names]
    found = np.diag([float((sd**2).mean()) for sd in sds])
    for i in range(len(names)):
        for j in range(i):
            cor = correlation_draws(fit, factor, (names[i], names[j]))
            found[i, j] = found[j, i] = 0.0 if cor is None else float((cor * sds[i] * sds[j]).mean())
    return found


def row_covariance(fit: Fit, response: int, rows: np.ndarray) -> np.ndarray:
    """(n, n) covariance of an outcome's rows over new draws of effects on the mean, and of residuals.

    ``sum_f [same level of f] Z_f Sigma_f Z_f' + diag(sigma^2)``; a varying sigma is that of its own level.
    """
    design, spec = design_of(fit), spec_of(fit)
    mean = predictor_index(spec, response, "mu")
    total = np.diag(_residual_variance(fit, response, rows))
    for factor, terms in varying(spec, mean).items():
        columns = [column_of_term(design.predictors[mean], factor, term)[rows] for term in terms]
        matrix = np.column_stack(columns)
        index = next(f.index for f in design.factors if f.name == factor)[rows]
        same = index[:, None] == index
        total += same * (matrix @ effect_covariance(fit, factor, mean, terms) @ matrix.T)
    return total


def _residual_variance(fit: Fit, response: int, rows: np.ndarray) -> np.ndarray:
    """(n,) posterior mean of sigma squared of each row."""
    spec = spec_of(fit)
    predictor = predictor_index(spec, response, "sigma")
    if predictor is None:
        sigma = fit.posterior[sigma_name(spec, response)]
        return np.full(len(rows), float((sigma**2).mean()))
    return np.exp(2 * _log_sigma(fit, predictor, rows)).mean(axis=(1, 2))


def _log_sigma(fit: Fit, predictor: int, rows: np.ndarray) -> np.ndarray:
    """(n, chain, draw) of the predictor of log sigma."""
    design, spec = design_of(fit), spec_of(fit)
    found = design.predictors[predictor]
    population = found.population
    terms = [*(["Intercept"] if population.intercept else []), *population.names]
    ones = np.ones((len(rows), int(population.intercept)))
    matrix = np.column_stack([ones, population.matrix[rows]])
    draws = [coefficient_draws(fit, predictor, term).transpose("chain", "draw").values for term in terms]
    total = np.einsum("nk,kcs->ncs", matrix, np.array(draws))
    for factor, varying_terms in varying(spec, predictor).items():
        index = next(f.index for f in design.factors if f.name == factor)[rows]
        for term in varying_terms:
            effects = effect_draws(fit, factor, predictor, term).transpose(factor, "chain", "draw").values
            total = total + column_of_term(found, factor, term)[rows, None, None] * effects[index]
    return total
