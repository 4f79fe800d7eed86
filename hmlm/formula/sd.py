"""Formulas of standard deviations between groups, ``sd={"id": "~ age"}``, and their covariates of levels."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from hmlm.formula.algebra import read_terms
from hmlm.formula.checks import is_constant
from hmlm.formula.expression import columns_of
from hmlm.formula.factors import group_levels
from hmlm.formula.grammar import parse_formula
from hmlm.formula.matrix import TermMatrix, build_matrix
from hmlm.formula.names import outcome_name
from hmlm.formula.table import as_table, require_complete, select, series
from hmlm.types import (
    DataError,
    Factor,
    FormulaError,
    ModelFormula,
    OutcomeFormula,
    PredictorDesign,
    PredictorFormula,
    SdDesign,
)

JOINT = "__"  # between a factor and a coefficient, as in sd_id__Intercept
EXAMPLE = 'sd={"id": "~ age"}'

Coefficient = tuple[int, int, int]


def sd_text(name: str, formula: PredictorFormula) -> str:
    """The formula as output has it, ``"sd(id) ~ age"``."""
    return f"sd({name}) ~ {formula.text}"


def read_sd(sd: Mapping[str, str] | None) -> tuple[tuple[str, PredictorFormula], ...]:
    """The formulas of ``bf``'s argument ``sd`` by grouping factor or coefficient.

    Raises:
        FormulaError: no mapping of text to text, or a formula with other than covariates on its right.
    """
    if sd is None:
        return ()
    if not isinstance(sd, Mapping):
        raise FormulaError(f"sd takes formulas by grouping factor, {EXAMPLE}, not {sd!r}")
    return tuple((str(name), _formula(str(name), text)) for name, text in sd.items())


def _formula(name: str, text: object) -> PredictorFormula:
    if not isinstance(text, str):
        raise FormulaError(f"sd: the formula of {name!r} is text, as in {EXAMPLE}, not {text!r}")
    left, predictor = parse_formula(text)
    if left is not None:
        raise FormulaError(
            f"sd: the formula of {name!r} has `{left}` left of `~`; write `~ {predictor.text}`"
        )
    if predictor.groups or predictor.offsets:
        raise FormulaError(f"`{sd_text(name, predictor)}`: only covariates of levels, as in {EXAMPLE}")
    terms = read_terms(predictor.population)
    if not terms.intercept or terms.reserved:
        raise FormulaError(
            f"`{sd_text(name, predictor)}`: its intercept is the standard deviation itself; leave `0 +` out"
        )
    if not terms.products:
        raise FormulaError(f"`{sd_text(name, predictor)}` has no covariate: leave {name!r} out of sd")
    return predictor


# --- the design -----------------------------------------------------------------------------------


def build_sds(
    table: pd.DataFrame,
    formula: ModelFormula,
    predictors: tuple[PredictorDesign, ...],
    factors: tuple[Factor, ...],
) -> tuple[SdDesign, ...]:
    """The covariates of levels of every ``sd`` formula, from N complete rows.

    Raises:
        FormulaError: no such varying coefficient, or one that has two formulas.
        DataError: a covariate that differs within a level, or does not differ between them.
    """
    found = tuple(
        _build(table, outcome, name, predictors, factors)
        for outcome in formula.outcomes
        for name, _ in outcome.sd
    )
    _check_once(found, predictors)
    return found


def _build(
    table: pd.DataFrame,
    outcome: OutcomeFormula,
    name: str,
    predictors: tuple[PredictorDesign, ...],
    factors: tuple[Factor, ...],
) -> SdDesign:
    formula = dict(outcome.sd)[name]
    response, where = outcome_name(outcome.column), sd_text(name, formula)
    coefficients = _coefficients(name, response, predictors)
    p, g, _ = coefficients[0]
    factor = next(f for f in factors if f.name == predictors[p].groups[g].term.factor)
    rows = _one_row_per_level(table, factor, _columns(formula), where)
    matrix = build_matrix(formula.population, rows, where)
    _check_differs(matrix, factor, where)
    return SdDesign(
        response=response,
        name=name,
        factor=factor.name,
        coefficients=coefficients,
        matrix=matrix.values[:, 1:],
        names=matrix.names[1:],
        centered=outcome.center,
        rebuild=partial(_rebuild, matrix, factor),
    )


def _check_differs(matrix: TermMatrix, factor: Factor, where: str) -> None:
    for name, column in zip(matrix.names[1:], matrix.values[:, 1:].T, strict=True):
        if is_constant(column):
            raise DataError(
                f"`{where}`: '{name}' is {column[0]:g} in every level of '{factor.name}', so that nothing "
                "can depend on it; leave it out"
            )


def _columns(formula: PredictorFormula) -> list[str]:
    return list(dict.fromkeys(c for atom in read_terms(formula.population).atoms for c in columns_of(atom)))


def _coefficients(
    name: str, response: str, predictors: tuple[PredictorDesign, ...]
) -> tuple[Coefficient, ...]:
    """All coefficients of the outcome's mean that vary by the factor ``name``, or the one of that name."""
    by_name: dict[str, list[Coefficient]] = {}
    for factor, label, is_mean, place in _varying(response, predictors):
        by_name.setdefault(f"{factor}{JOINT}{label}", []).append(place)
        if is_mean:
            by_name.setdefault(factor, []).append(place)
    if name not in by_name:
        raise FormulaError(_unknown(name, response, list(by_name)))
    return tuple(by_name[name])


def _varying(
    response: str, predictors: tuple[PredictorDesign, ...]
) -> Iterator[tuple[str, str, bool, Coefficient]]:
    """Factor, name in sd_<factor>__<name>, whether it is one of the mean, and place of each coefficient."""
    for p, predictor in enumerate(predictors):
        if predictor.response != response:
            continue
        is_mean = predictor.dpar == "mu"
        for g, group in enumerate(predictor.groups):
            for column, coefficient in enumerate(group.names):
                label = coefficient if is_mean else f"{predictor.dpar}_{coefficient}"
                yield group.term.factor, label, is_mean, (p, g, column)


def _unknown(name: str, response: str, known: list[str]) -> str:
    if not known:
        return f"sd: nothing varies by {name!r}: the formula of {response!r} has no term like (1 | {name})"
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"sd: {name!r} is none of what varies in {response!r}: {', '.join(known)}{hint}"


def _check_once(found: Iterable[SdDesign], predictors: tuple[PredictorDesign, ...]) -> None:
    seen: dict[Coefficient, str] = {}
    for part in found:
        for p, g, column in part.coefficients:
            if (p, g, column) in seen:
                coefficient = predictors[p].groups[g].names[column]
                raise FormulaError(
                    f"sd: the standard deviation of {coefficient!r} by {part.factor!r} has two formulas, "
                    f"under {seen[p, g, column]!r} and {part.name!r}; keep one"
                )
            seen[p, g, column] = part.name


def _one_row_per_level(
    table: pd.DataFrame, factor: Factor, columns: Iterable[str], where: str
) -> pd.DataFrame:
    """The first row of each level of a factor, within which all ``columns`` must be constant."""
    first = np.unique(factor.index, return_index=True)[1]
    for column in columns:
        codes = pd.factorize(series(table, column))[0]
        differs = codes != codes[first][factor.index]
        if differs.any():
            row = int(np.argmax(differs))
            values = series(table, column).iloc[[first[factor.index[row]], row]]
            raise DataError(
                f"`{where}`: {_differs(column, factor, factor.levels[factor.index[row]], values)}"
            )
    return table.iloc[first].reset_index(drop=True)


def _differs(column: str, factor: Factor, level: str, values: pd.Series) -> str:
    one, other = values
    mean = f"data.groupby({factor.columns[0]!r})[{column!r}].transform('mean')"
    return (
        f"'{column}' differs within level {level!r} of '{factor.name}' ({one} and {other}), but "
        f"standard deviations between levels depend on what all rows of a level agree about, such as {mean}"
    )


def _rebuild(matrix: TermMatrix, factor: Factor, data: pd.DataFrame, levels: tuple[str, ...]) -> np.ndarray:
    """(L, W) covariates of some levels of new data."""
    table = as_table(data)
    own = pd.Index(levels).get_indexer(group_levels(table, factor.columns))
    chosen = select(table, matrix.uses)[own >= 0].reset_index(drop=True)
    require_complete(chosen)
    asked = replace(factor, levels=levels, index=own[own >= 0])
    rows = _one_row_per_level(chosen, asked, [use.column for use in matrix.uses], matrix.where)
    return matrix.rebuild(rows)[:, 1:]
