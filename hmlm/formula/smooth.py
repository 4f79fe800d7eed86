"""``s(x)``: a penalised spline as a straight line and wiggly columns whose coefficients are iid normal.

With a basis B of k functions, penalty S and the constraint that the function sums to zero over the rows,
``f = B b``, ``b'Sb`` penalised, is the same model as ``f = X beta + Z s`` with ``s_k ~ N(0, sds^2)``: Z are
the eigenvectors of S over the square roots of its eigenvalues, X is what S does not see. Columns are scaled
as mgcv's ``smoothCon`` and ``smooth2random`` scale them, so that brms's prior of sds means the same here.

References:
    Wood (2004), doi:10.1198/016214504000000980
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmlm.formula.additions import matched_arguments
from hmlm.formula.expression import Argument, Call, Name, Node, Number, Text
from hmlm.formula.levels import Levels, observed_levels
from hmlm.formula.names import coefficient_name
from hmlm.formula.smooth_basis import BASES, Basis, null_space_of
from hmlm.formula.table import Use, as_table, is_numeric, numbers, require_complete, select, series
from hmlm.types import DataError, SmoothColumns, SmoothTerm

SMOOTH = "s"
ARGUMENTS = ("x", "by", "k", "bs")
DEFAULT_SIZE, SMALLEST_SIZE = 10, 3


@dataclass(frozen=True, eq=False)
class Smooth:
    """The columns of one ``s(x)``, for one level of its by-variable if it has one.

    Attributes:
        term: as the formula has it.
        use: its column.
        basis: of the column, knots remembered.
        transform: (k, k - 1) from the basis to the straight line and the wiggly columns.
        levels: of the by-variable.
        level: position of the level for which the function is not zero.
    """

    term: SmoothTerm
    use: Use
    basis: Basis
    transform: np.ndarray
    levels: Levels | None = None
    level: int = 0

    @property
    def described(self) -> SmoothColumns:
        """Names and sizes as brms has them."""
        by = "" if self.levels is None else coefficient_name(f"{self.term.by}{self.levels.texts[self.level]}")
        own = f"s{coefficient_name(self.term.column)}"
        line = f"{own}:{by}_1" if by else f"{own}_1"
        return SmoothColumns(f"{own}{by}_1", line, self.transform.shape[1] - 1, self.term)

    def matrix(self, data: pd.DataFrame) -> np.ndarray:
        """(N, k - 1) of complete data, the straight line first.

        Raises:
            DataError: missing columns or values, unknown levels.
        """
        uses = [self.use, *([] if self.levels is None else [self.levels.use])]
        table = select(as_table(data), uses)
        require_complete(table)
        found = self.basis.columns(numbers(table, self.use)) @ self.transform
        return found if self.levels is None else found * (self.levels.codes(table) == self.level)[:, None]


def is_smooth(node: Node) -> bool:
    """Whether a term is ``s(…)``."""
    return isinstance(node, Call) and node.function == SMOOTH


def read_smooth(sign: str, node: Node) -> SmoothTerm:
    """The term that ``s(x, by = f, k = 10, bs = "tp")`` states.

    Raises:
        FormulaError: the term is subtracted, or has arguments that are not available.
    """
    assert isinstance(node, Call)
    if sign == "-":
        raise node.place.error(f"`{node}` cannot be subtracted; leave it out")
    if sum(argument.name is None for argument in node.arguments) > 1:
        raise node.place.error(
            f"`{node}`: s takes one column; write s(x) + s(z), or ns(x, df = 3):ns(z, df = 3)"
        )
    given = matched_arguments(node, ARGUMENTS)
    column = given["x"].value if "x" in given else None
    if not isinstance(column, Name):
        raise node.place.error(f"`{node}`: s takes a column of numbers; compute others as a column first")
    return SmoothTerm(
        column.text, _size(given.get("k")), _basis(given.get("bs")), _by(given.get("by")), str(node)
    )


def smooth_columns(term: SmoothTerm) -> tuple[str, ...]:
    """The columns of the table that it needs."""
    return (term.column,) if term.by is None else (term.column, term.by)


def build_smooths(term: SmoothTerm, table: pd.DataFrame, where: str) -> tuple[Smooth, ...]:
    """One smooth of N complete rows, or one for each level of its by-variable; they share their basis.

    As in mgcv the function sums to zero over all rows, and the first level of an ordered by-variable, the
    reference, has none.

    Raises:
        DataError: columns that are not numeric, too few distinct values, a by-variable of numbers.
    """
    use = Use(term.column, where)
    x = numbers(table, use)
    n_distinct = len(np.unique(x))
    if n_distinct < term.size:
        raise DataError(_too_few(use, n_distinct, term))
    basis = BASES[term.basis](x, term.size)
    transform = mixed_model_transform(basis.columns(x), basis.penalty)
    if term.by is None:
        return (Smooth(term, use, basis, transform),)
    levels, first = _levels(table, Use(term.by, where), term)
    return tuple(Smooth(term, use, basis, transform, levels, k) for k in range(first, len(levels.texts)))


def mixed_model_transform(columns: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """(k, k - 1) from a basis to a straight line and wiggly columns with iid coefficients.

    Args:
        columns: (N, k) basis in every row.
        penalty: (k, k), whose null space is a constant and a line.
    """
    penalty = penalty * (np.abs(columns).sum(1).max() ** 2 / np.abs(penalty).sum(0).max())
    free = null_space_of(columns.mean(0)[:, None])
    values, vectors = np.linalg.eigh(free.T @ penalty @ free)
    wiggly = free @ vectors[:, :0:-1] / np.sqrt(values[:0:-1])
    wiggly = wiggly * np.sign(wiggly[np.argmax(np.abs(wiggly), axis=0), np.arange(wiggly.shape[1])])
    line = free @ vectors[:, :1]
    line = line * np.sqrt(np.mean(np.sum((columns @ wiggly) ** 2, axis=0)) / np.linalg.norm(columns @ line))
    return np.hstack([line, wiggly])


def _size(argument: Argument | None) -> int:
    if argument is None:
        return DEFAULT_SIZE
    text = str(argument.value)
    if text in ("-1", "NA"):
        return DEFAULT_SIZE
    if not isinstance(argument.value, Number) or not text.isdigit() or int(text) < SMALLEST_SIZE:
        raise argument.place.error(f"`{argument}`: k is a whole number of {SMALLEST_SIZE} or more")
    return int(text)


def _basis(argument: Argument | None) -> str:
    if argument is None:
        return "tp"
    if not isinstance(argument.value, Text) or argument.value.text not in BASES:
        raise argument.place.error(f'`{argument}`: bs is "tp", a thin plate spline, or "cr", a cubic one')
    return argument.value.text


def _by(argument: Argument | None) -> str | None:
    if argument is None or str(argument.value) == "NA":
        return None
    if not isinstance(argument.value, Name):
        raise argument.place.error(f"`{argument}`: by is a column of categories")
    return argument.value.text


def _levels(table: pd.DataFrame, use: Use, term: SmoothTerm) -> tuple[Levels, int]:
    """Levels of the by-variable, and the first that has a smooth."""
    kind = series(table, use.column)
    if is_numeric(kind) and not pd.api.types.is_bool_dtype(kind):
        raise DataError(
            f"`{use.where}`: by = {use.column} of `{term.text}` is a number; by takes categories, "
            f"data[{use.column!r}].astype(str); or write ns({term.column}, df = 4):{use.column}"
        )
    ordered = isinstance(kind.dtype, pd.CategoricalDtype) and kind.dtype.ordered
    return observed_levels(table, use), int(ordered)


def _too_few(use: Use, n_distinct: int, term: SmoothTerm) -> str:
    if n_distinct < SMALLEST_SIZE:
        hint = f"write {use.column}, a straight line"
    else:
        hint = f"write s({use.column}, k = {n_distinct}) or fewer"
    return (
        f"`{use.where}`: '{use.column}' has {n_distinct} distinct values, fewer than k = {term.size}; {hint}"
    )
