"""Coefficients of each level by itself, pooled partly, and of all levels together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hmlm.results.plots.choose import (
    default_or,
    design_of,
    factor_of_rows,
    predictor_index,
    response_index,
    spec_of,
)
from hmlm.results.plots.parts import coefficient_draws, effect_draws, level_names, varying
from hmlm.spec.spec import Spec
from hmlm.types import Design, HmlmError, PredictorDesign

if TYPE_CHECKING:
    from hmlm.results.fit import Fit


class Pooling(NamedTuple):
    """Coefficients of an outcome's mean that vary by one factor.

    Attributes:
        factor: its name.
        predictor: the mean's predictor.
        terms: Q names.
        levels: J names.
        none: (J, Q) least squares within each level, NaN where its rows do not determine all terms.
        partial: (J, Q) posterior means of population-level coefficient plus group effect.
        complete: (Q,) least squares over all rows.
        population: (Q,) posterior means of the population-level coefficients.
    """

    factor: str
    predictor: int
    terms: list[str]
    levels: list[str]
    none: np.ndarray
    partial: np.ndarray
    complete: np.ndarray
    population: np.ndarray


def pooling(fit: Fit, group: str | None, resp: str | None) -> Pooling:
    """Three ways to estimate the varying coefficients of an outcome's mean.

    What does not vary by the factor, other coefficients and other factors, is taken out of the outcome at
    its posterior mean before least squares.
    """
    spec, design = spec_of(fit), design_of(fit)
    response = response_index(spec, resp)
    predictor = predictor_index(spec, response, "mu")
    _check(spec)
    by_factor = varying(spec, predictor)
    if not by_factor:
        raise HmlmError("no coefficient of the mean varies by a factor: its formula needs (1 + x | id)")
    factor = default_or(group, list(by_factor), "group", "grouping factor")
    terms = by_factor[factor]
    matrix = np.column_stack([column_of_term(design.predictors[predictor], factor, term) for term in terms])
    target = _outcome(spec, design, response) - _rest(fit, predictor, factor, terms)
    population, effects = _population(fit, predictor, terms), _effects(fit, factor, predictor, terms)
    return Pooling(
        factor,
        predictor,
        terms,
        level_names(fit, factor),
        _by_level(matrix, target, _index(design, factor), len(effects)),
        population + effects,
        np.linalg.lstsq(matrix, target, rcond=None)[0],
        population,
    )


def _check(spec: Spec) -> None:
    """Raise HmlmError where least squares does not estimate the coefficients."""
    link = spec.family.links[0]
    if link != "identity":
        raise HmlmError(
            "levels fitted alone are least squares of the outcome, but the coefficients of this "
            f"{spec.family.name} model are on the {link} scale; fit.plot.caterpillar() shows the levels' "
            "effects, fit.plot.spaghetti(x, levels=8) their rows with what the model expects"
        )


def _outcome(spec: Spec, design: Design, response: int) -> np.ndarray:
    """(N,) the outcome on the scale of its coefficients."""
    values = design.outcomes[response].values
    return np.log(values) if spec.family.log_outcome else values


def column_of_term(predictor: PredictorDesign, factor: str, term: str) -> np.ndarray:
    """(N,) the column whose coefficient varies."""
    return sum(
        group.matrix[:, group.coefficients.index(term)]
        for group in predictor.groups
        if group.term.factor == factor and term in group.coefficients
    )


def _index(design: Design, factor: str) -> np.ndarray:
    return factor_of_rows(design, factor).index


def _population(fit: Fit, predictor: int, terms: list[str]) -> np.ndarray:
    return np.array([float(coefficient_draws(fit, predictor, term).mean()) for term in terms])


def _effects(fit: Fit, factor: str, predictor: int, terms: list[str]) -> np.ndarray:
    """(J, Q) posterior means of the group effects."""
    draws = (effect_draws(fit, factor, predictor, term) for term in terms)
    return np.column_stack([one.mean(("chain", "draw")).values for one in draws])


def _rest(fit: Fit, predictor: int, factor: str, terms: list[str]) -> np.ndarray:
    """(N,) the part of the mean's predictor, at posterior means, that is not in ``terms``."""
    design = design_of(fit)
    population = design.predictors[predictor].population
    names = [*(["Intercept"] if population.intercept else []), *population.names]
    ones = [np.ones((design.n_rows, 1))] if population.intercept else []
    matrix = np.column_stack([*ones, population.matrix])
    kept = [k for k, name in enumerate(names) if name not in terms]
    rest = matrix[:, kept] @ _population(fit, predictor, [names[k] for k in kept])
    offset = design.predictors[predictor].offset
    rest = rest if offset is None else rest + offset
    for other, other_terms in varying(spec_of(fit), predictor).items():
        if other != factor:
            rest = rest + _contribution(fit, predictor, other, other_terms)
    return rest


def _contribution(fit: Fit, predictor: int, factor: str, terms: list[str]) -> np.ndarray:
    """(N,) what the effects of a factor add to each row, at posterior means."""
    design = design_of(fit)
    columns = [column_of_term(design.predictors[predictor], factor, term) for term in terms]
    effects = _effects(fit, factor, predictor, terms)[_index(design, factor)]
    return (np.column_stack(columns) * effects).sum(axis=1)


def _by_level(matrix: np.ndarray, target: np.ndarray, index: np.ndarray, n_levels: int) -> np.ndarray:
    """(J, Q) least squares of the rows of each level."""
    found = np.full((n_levels, matrix.shape[1]), np.nan)
    for level in range(n_levels):
        rows = index == level
        coefficients, _, rank, _ = np.linalg.lstsq(matrix[rows], target[rows], rcond=None)
        if rank == matrix.shape[1]:
            found[level] = coefficients
    return found
