"""Population-level columns of a predictor: those of terms, steps of ``mo(x)``, and of ``s(x)``."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from hmlm.formula.checks import check_varying
from hmlm.formula.matrix import TermMatrix, build_matrix
from hmlm.formula.monotonic import Steps, build_steps
from hmlm.formula.names import check_distinct
from hmlm.formula.smooth import Smooth, build_smooths
from hmlm.types import PopulationDesign, PredictorFormula


def build_population(
    table: pd.DataFrame, formula: PredictorFormula, center: bool, where: str
) -> PopulationDesign:
    """The design of N complete rows.

    Args:
        table: the rows.
        formula: of the predictor.
        center: whether columns beside an intercept are centred for sampling.
        where: the equation, for messages.

    Raises:
        FormulaError: terms without a meaning.
        DataError: columns that cannot be used, or share their names.
    """
    matrix = build_matrix(formula.population, table, where)
    intercept = matrix.terms.intercept and not matrix.terms.reserved
    first = int(intercept)
    if intercept:
        check_varying(matrix.values[:, first:], matrix.names[first:], where)
    steps = tuple(build_steps(column, table, where) for column in formula.monotonic)
    smooths = tuple(smooth for term in formula.smooths for smooth in build_smooths(term, table, where))
    described = tuple(smooth.described for smooth in smooths)
    names = (
        *matrix.names[first:],
        *(smooth.line for smooth in described),
        *(f"{s.name}1[{k + 1}]" for s in steps for k in range(s.size)),
        *(f"{s.name}[{k + 1}]" for s in described for k in range(s.size)),
    )
    check_distinct(names, where)
    return PopulationDesign(
        matrix=_with_special(matrix.values[:, first:], steps, smooths, table),
        names=names,
        intercept=intercept,
        centered=intercept and center,
        rebuild=partial(_rebuild_from, matrix, first, steps, smooths),
        monotonic=tuple((part.name, part.size) for part in steps),
        smooths=described,
    )


def _with_special(
    columns: np.ndarray, steps: tuple[Steps, ...], smooths: tuple[Smooth, ...], data: pd.DataFrame
) -> np.ndarray:
    """Columns of terms, then lines of smooths, steps of monotonic effects and wiggly columns of smooths."""
    found = [smooth.matrix(data) for smooth in smooths]
    lines, wiggly = [own[:, :1] for own in found], [own[:, 1:] for own in found]
    return np.hstack([columns, *lines, *(part.matrix(data) for part in steps), *wiggly])


def _rebuild_from(
    matrix: TermMatrix, first: int, steps: tuple[Steps, ...], smooths: tuple[Smooth, ...], data: pd.DataFrame
) -> np.ndarray:
    """Columns of new data, those of terms from ``first`` on."""
    return _with_special(matrix.rebuild(data)[:, first:], steps, smooths, data)
