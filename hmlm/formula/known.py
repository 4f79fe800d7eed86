"""``gr(id, cov = A)``: the known covariances between levels that ``data2`` holds, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import numpy as np
import pandas as pd

from hmlm.formula.levels import level_text
from hmlm.types import DataError, Factor, GroupTerm, KnownCovariance, PredictorDesign

ASYMMETRY = 1e-8  # largest difference between the triangles that rounding explains, relative to the diagonal
SMALLEST = 1e-12  # share of a level's variance that those before it leave in a positive definite matrix
SHOWN = 5  # names in one message
FORMS = "a DataFrame with levels as its index and columns, or a pair (array, names of levels)"


def find_known(
    predictors: Iterable[PredictorDesign], factors: Iterable[Factor], data2: Mapping[str, object] | None
) -> tuple[KnownCovariance, ...]:
    """The covariances that group-level terms name, each once.

    Raises:
        DataError: one that ``data2`` lacks, that is no covariance, or that lacks a level of its factor.
    """
    levels = {factor.name: factor for factor in factors}
    found: dict[str, KnownCovariance] = {}
    for term in (group.term for predictor in predictors for group in predictor.groups):
        if term.cov is not None:
            if term.cov not in found:
                found[term.cov] = read_known(term.cov, _said(term, data2))
            _check_levels(found[term.cov], levels[term.factor])
    return tuple(found.values())


def read_known(name: str, value: object) -> KnownCovariance:
    """A covariance between levels as users give it.

    Args:
        name: what the formula calls it.
        value: a DataFrame whose index and columns are the levels, in any order; a pair of an (L, L) array and
            L names; or a covariance that was read before.

    Raises:
        DataError: another form, or a matrix that is not square, symmetric and positive definite.
    """
    if isinstance(value, KnownCovariance):
        return value
    matrix, levels = _matrix_of(name, value)
    twice = next((level for level in levels if levels.count(level) > 1), None)
    if twice is not None:
        raise DataError(f"data2: '{name}' names the level {twice!r} more than once")
    return KnownCovariance(name, levels, _checked(name, matrix, levels))


def _said(term: GroupTerm, data2: Mapping[str, object] | None) -> object:
    """The entry of ``data2`` that a term names."""
    if data2 is not None and not isinstance(data2, Mapping):
        raise DataError(f'data2 must be a mapping such as {{"A": matrix}}, not {type(data2).__name__}')
    if data2 is None or term.cov not in data2:
        has = f"data2 has only {_few(list(data2))}" if data2 else "nothing in data2 has that name"
        raise DataError(
            f"`gr({term.factor}, cov = {term.cov})`: {has}{_near(str(term.cov), data2 or ())}; pass "
            f'data2={{"{term.cov}": …}}, {FORMS}'
        )
    return data2[term.cov]


def _matrix_of(name: str, value: object) -> tuple[np.ndarray, tuple[str, ...]]:
    """A square array and the texts of its levels."""
    if isinstance(value, pd.DataFrame):
        levels = tuple(map(level_text, value.index))
        columns = pd.Index([level_text(column) for column in value.columns])
        if set(columns) != set(levels) or len(columns) != len(levels):
            raise DataError(f"data2: the index and the columns of '{name}' name different levels")
        value = value.iloc[:, columns.get_indexer(list(levels))] if columns.is_unique else value
        return _numbers(name, value.to_numpy()), levels
    if not (isinstance(value, tuple | list) and len(value) == 2):
        raise DataError(f"data2: '{name}' must be {FORMS}, not {type(value).__name__}")
    matrix, levels = _numbers(name, np.asarray(value[0])), tuple(map(level_text, value[1]))
    if matrix.shape != (len(levels), len(levels)):
        shape = " x ".join(map(str, matrix.shape))
        raise DataError(
            f"data2: '{name}' is {shape} with {len(levels)} names; it must be square, a name each"
        )
    return matrix, levels


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"data2: '{name}' holds something that is no number") from None
    if not np.isfinite(matrix).all():
        raise DataError(f"data2: '{name}' has missing or infinite values")
    return matrix


def _checked(name: str, matrix: np.ndarray, levels: Sequence[str]) -> np.ndarray:
    """The matrix, exactly symmetric."""
    gap = np.abs(matrix - matrix.T)
    if gap.max(initial=0.0) > ASYMMETRY * np.abs(np.diag(matrix)).max(initial=0.0):
        i, j = np.unravel_index(gap.argmax(), gap.shape)
        raise DataError(
            f"data2: '{name}' is not symmetric: {matrix[i, j]:g} between {levels[i]!r} and {levels[j]!r}, "
            f"{matrix[j, i]:g} between {levels[j]!r} and {levels[i]!r}"
        )
    matrix = (matrix + matrix.T) / 2.0
    if not _is_positive_definite(matrix):
        smallest = np.linalg.eigvalsh(matrix)[0]
        raise DataError(
            f"data2: '{name}' is not positive definite (its smallest eigenvalue is {smallest:.3g}): "
            "a level repeats another, or it is no covariance; a small number added to its diagonal helps "
            "where only rounding is to blame"
        )
    return matrix


def _is_positive_definite(matrix: np.ndarray) -> bool:
    """Whether no level is, up to rounding, a combination of those before it."""
    try:
        pivots = np.diag(np.linalg.cholesky(matrix)) ** 2
    except np.linalg.LinAlgError:
        return False
    return bool(np.all(pivots > SMALLEST * np.diag(matrix)))


def _check_levels(known: KnownCovariance, factor: Factor) -> None:
    """Refuse a covariance that does not name a level that rows have."""
    names = set(known.levels)
    missing = [level for level in factor.levels if level not in names]
    if missing:
        raise DataError(
            f"`gr({factor.name}, cov = {known.name})`: '{known.name}' lacks the level {_few(missing)} of "
            f"'{factor.name}'{_near(missing[0], known.levels)} (it names {_few(known.levels)})"
        )


def _near(name: str, options: Iterable[object]) -> str:
    """``"; did you mean 'A'?"``, empty where nothing is near."""
    close = get_close_matches(name, [str(option) for option in options], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _few(names: Sequence[object]) -> str:
    return ", ".join(map(repr, names[:SHOWN])) + (", …" if len(names) > SHOWN else "")
