"""Checks of finished columns: finite, varying, linearly independent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd
from scipy.linalg import qr, solve_triangular

from hmlm.formula.expression import Call, Node, Number, columns_of
from hmlm.formula.functions import options_of
from hmlm.types import DataError

INTERCEPT = "Intercept"
_CONSTANT = 1e-12  # largest range, relative to the size of the values, of a column that counts as constant
_DEPENDENT = 1e-9  # largest residual norm, relative to its own, of a column that counts as dependent
_INVOLVED = 1e-6  # smallest weight, in normalised columns, that makes a column part of a dependency


def check_finite(values: np.ndarray, names: Sequence[str], where: str) -> None:
    """Refuse columns with values that are no numbers, such as the logarithm of zero.

    Raises:
        DataError: naming the column and the count.
    """
    n_bad = (~np.isfinite(values)).sum(axis=0)
    if n_bad.any():
        column = int(np.argmax(n_bad > 0))
        raise DataError(
            f"`{where}`: '{names[column]}' has {n_bad[column]} infinite or undefined "
            f"value{'s' * int(n_bad[column] > 1)}; "
            "the function is applied outside its domain, or to a constant column"
        )


def is_constant(values: np.ndarray) -> bool:
    """Whether (N,) values are equal up to rounding."""
    return bool(np.ptp(values) <= _CONSTANT * np.abs(values).max(initial=0.0))


def check_varying(values: np.ndarray, names: Sequence[str], where: str) -> None:
    """Refuse constant columns beside an intercept.

    Raises:
        DataError: naming the column.
    """
    for name, column in zip(names, values.T, strict=True):
        if is_constant(column):
            raise DataError(f"`{where}`: {_constancy(name, column)}")


def _constancy(name: str, column: np.ndarray) -> str:
    if np.ptp(column):
        return (
            f"'{name}' varies only between {column.min():.17g} and {column.max():.17g}, less than "
            "its numbers are precise; subtract a constant from it first"
        )
    return (
        f"'{name}' is {column[0]:g} in every row, which the intercept already says; "
        "leave it out or remove the intercept with `0 +`"
    )


def check_nonzero(values: np.ndarray, names: Sequence[str], where: str) -> None:
    """Refuse columns that are zero in every row.

    Raises:
        DataError: naming the column.
    """
    for name, column in zip(names, values.T, strict=True):
        if not column.any():
            raise DataError(f"`{where}`: '{name}' is 0 in every row, so that it has no effect; leave it out")


def check_degree(atoms: Sequence[Node], table: pd.DataFrame) -> None:
    """Refuse a polynomial of more degrees than its column has distinct values to determine.

    Raises:
        DataError: naming the polynomial.
    """
    for atom in atoms:
        if isinstance(atom, Call) and atom.function == "poly":
            degree = options_of(atom).get("degree")
            n_distinct = len(table[list(columns_of(atom))].drop_duplicates())
            if isinstance(degree, Number) and float(degree.text) >= n_distinct:
                raise DataError(
                    f"`{atom}`: the degree must be less than the number of distinct values, {n_distinct}"
                )


def collinear_columns(matrix: np.ndarray, names: Sequence[str], intercept: bool) -> list[tuple[str, ...]]:
    """Groups of coefficients whose columns are linearly dependent; scale does not matter.

    Pivoted QR of the normalised columns (centred if there is an intercept) separates a basis from the rest;
    each column of the rest makes a group with the basis columns it is a combination of.

    Args:
        matrix: (N, K) population-level columns.
        names: K coefficient names.
        intercept: whether there is a constant beside them; a constant column then depends on ``Intercept``.

    Returns:
        The groups, each in the order of ``names``; empty if all columns are independent.
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    constant = [j for j in range(matrix.shape[1]) if _depends_alone(matrix[:, j], intercept)]
    alone = [(INTERCEPT, names[j]) if intercept else (names[j],) for j in constant]
    varying = [j for j in range(matrix.shape[1]) if j not in constant]
    groups = _dependencies(matrix[:, varying], intercept) if varying else []
    return alone + [tuple(names[varying[j]] for j in group) for group in groups]


def _depends_alone(column: np.ndarray, intercept: bool) -> bool:
    return is_constant(column) if intercept else not column.any()


def _dependencies(matrix: np.ndarray, center: bool) -> list[list[int]]:
    """Positions of the columns in each dependency; no column is zero."""
    columns = matrix / np.abs(matrix).max(axis=0)
    columns = columns - columns.mean(axis=0) if center else columns
    columns = columns / np.linalg.norm(columns, axis=0)
    r, pivot = cast(tuple[np.ndarray, np.ndarray], qr(columns, mode="r", pivoting=True))
    rank = int((np.abs(np.diagonal(r)) > _DEPENDENT).sum())
    weights = solve_triangular(r[:rank, :rank], r[:rank, rank:])
    return [
        sorted([int(pivot[rank + j]), *(int(pivot[i]) for i in np.flatnonzero(np.abs(w) > _INVOLVED))])
        for j, w in enumerate(weights.T)
    ]
