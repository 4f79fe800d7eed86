"""``gr(id, by = sex)``: the columns of a group-level term apart for each level of a by-variable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmlm.formula.factors import group_levels
from hmlm.formula.levels import Levels, observed_levels
from hmlm.formula.matrix import TermMatrix
from hmlm.formula.names import coefficient_name
from hmlm.formula.table import Use, as_table, require_complete, select
from hmlm.types import DataError, GroupDesign, GroupTerm


@dataclass(frozen=True)
class _Part:
    """The columns of a term where the by-variable has its level number ``code``."""

    matrix: TermMatrix
    levels: Levels
    code: int

    def rebuild(self, data: pd.DataFrame) -> np.ndarray:
        """(N', Q) columns of new complete data, zero in rows of other levels."""
        table = select(as_table(data), [self.levels.use])
        require_complete(table)
        return self.matrix.rebuild(data) * (self.levels.codes(table) == self.code)[:, None]


def split_by(matrix: TermMatrix, table: pd.DataFrame, term: GroupTerm, where: str) -> Iterator[GroupDesign]:
    """A design for each level of ``term.by``, in their order; names end in ``:sexmale`` as in brms.

    Args:
        matrix: the term's columns.
        table: N complete rows.
        term: with a by-variable.
        where: the term as written, for messages.

    Raises:
        DataError: a level of the factor has several levels of the by-variable.
    """
    levels = observed_levels(table, Use(str(term.by), where))
    codes = levels.codes(table)
    _check_constant(group_levels(table, term.columns), codes, levels, term.factor)
    for code, text in enumerate(levels.texts):
        part, by = _Part(matrix, levels, code), coefficient_name(f"{term.by}{text}")
        yield GroupDesign(
            term=term,
            matrix=matrix.values * (codes == code)[:, None],
            names=tuple(f"{name}:{by}" for name in matrix.names),
            rebuild=part.rebuild,
            by=by,
            rows=codes == code,
        )


def _check_constant(groups: np.ndarray, codes: np.ndarray, levels: Levels, factor: str) -> None:
    """Refuse a factor with a level whose rows differ in the by-variable."""
    found = pd.DataFrame({"group": groups, "code": codes}).drop_duplicates()
    twice = found["group"][found["group"].duplicated()]
    if len(twice):
        by, group = levels.use.column, twice.iloc[0]
        has = [levels.texts[code] for code in found["code"][found["group"] == group]]
        raise DataError(
            f"`{levels.use.where}`: level {group!r} of '{factor}' has the values {', '.join(map(repr, has))} "
            f"of '{by}'; a by-variable is constant within each level: write (1 | {factor}:{by}) for effects "
            "that differ within them"
        )
