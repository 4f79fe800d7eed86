"""Designs made by hand, so that these tests need no formula layer: terms are given as column names."""

from __future__ import annotations

import numpy as np

from hmlm.types import (
    Design,
    Factor,
    GroupDesign,
    GroupTerm,
    ModelFormula,
    Outcome,
    OutcomeFormula,
    PopulationDesign,
    PredictorDesign,
    PredictorFormula,
)

N_ROWS = 30
N_LEVELS = 6


def column(name: str) -> np.ndarray:
    """The same pseudo-random column for the same name; ones for the intercept."""
    if name == "Intercept":
        return np.ones(N_ROWS)
    seed = sum(ord(letter) * (place + 1) for place, letter in enumerate(name))
    return np.random.default_rng(seed).normal(size=N_ROWS)


def matrix(names: tuple[str, ...]) -> np.ndarray:
    """(N, K) matrix of the columns called ``names``."""
    return np.column_stack([np.empty((N_ROWS, 0)), *map(column, names)])


def population(names: str = "", intercept: bool = True, center: bool = True) -> PopulationDesign:
    """Population-level design of the columns in the string ``names``."""
    split = tuple(names.split())
    return PopulationDesign(
        matrix(split), split, intercept, center and intercept, lambda table: matrix(split)
    )


def varying(
    names: str = "Intercept", factor: str = "id", label: str | None = None, correlated: bool = True
) -> GroupDesign:
    """Varying coefficients in the string ``names``."""
    split = tuple(names.split())
    term = GroupTerm(" + ".join(split), tuple(factor.split(":")), label, correlated)
    return GroupDesign(term, matrix(split), split, lambda table: matrix(split))


def predictor(
    columns: PopulationDesign, *groups: GroupDesign, response: str = "y", dpar: str = "mu"
) -> PredictorDesign:
    """A linear predictor."""
    return PredictorDesign(response, dpar, columns, groups)


def design(
    *predictors: PredictorDesign,
    rescor: bool | None = None,
    center: bool = True,
    values: np.ndarray | None = None,
) -> Design:
    """The design of all ``predictors``; outcomes (of median 0) and factors are those they name."""
    responses = tuple(dict.fromkeys(p.response for p in predictors))
    factors = dict.fromkeys(group.term.factor for p in predictors for group in p.groups)
    return Design(
        formula=ModelFormula(tuple(_formula(predictors, name, center) for name in responses), rescor),
        outcomes=tuple(
            Outcome(name, name, _centered(name) if values is None else values) for name in responses
        ),
        predictors=predictors,
        factors=tuple(_factor(name) for name in factors),
        rows=np.arange(N_ROWS),
        n_dropped=0,
    )


def _centered(name: str) -> np.ndarray:
    return column(name) - np.median(column(name))


def _formula(predictors: tuple[PredictorDesign, ...], response: str, center: bool) -> OutcomeFormula:
    empty = PredictorFormula("1", (), "1")
    dpars = tuple((p.dpar, empty) for p in predictors if p.response == response and p.dpar != "mu")
    return OutcomeFormula(response, empty, dpars, center)


def _factor(name: str) -> Factor:
    levels = tuple(str(level) for level in range(1, N_LEVELS + 1))
    return Factor(name, tuple(name.split(":")), levels, (np.arange(N_ROWS) % N_LEVELS).astype(np.int32))
