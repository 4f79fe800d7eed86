"""Columns of the table as formulaic gets them: variables named here, categories coded as integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmlm.formula.algebra import RESERVED_INTERCEPT, Terms
from hmlm.formula.expression import Call, Name, Node, columns_of
from hmlm.formula.functions import is_categorical, literal_values, options_of
from hmlm.formula.levels import Levels, check_plain, observed_levels
from hmlm.formula.notice import notice
from hmlm.formula.table import Use, is_boolean, is_numeric, is_text, numbers, series
from hmlm.types import DataError


@dataclass(frozen=True)
class Encoding:
    """How the columns of one predictor become variables.

    Attributes:
        numeric: column -> variable, with where it is used.
        categorical: atom -> variable and levels.
    """

    numeric: dict[Use, str]
    categorical: dict[Node, tuple[str, Levels]]

    def variables(self, table: pd.DataFrame) -> pd.DataFrame:
        """The variables of ``table``'s N rows, fresh or those that the encoding was made from.

        Raises:
            DataError: a column of the wrong type, infinite values, an unknown level.
        """
        columns: dict[str, np.ndarray | pd.Categorical] = {}
        for use, variable in self.numeric.items():
            columns[variable] = numbers(table, use)
        for variable, levels in self.categorical.values():
            columns[variable] = pd.Categorical.from_codes(levels.codes(table), range(len(levels.texts)))
        return pd.DataFrame(columns, index=range(len(table)))


def encode(terms: Terms, table: pd.DataFrame, where: str) -> Encoding:
    """The encoding of all columns in ``terms``: text, categories and true/false are categorical, as in R.

    Raises:
        DataError: a column that is neither categorical nor numeric, or has one level.
    """
    atoms = [a for a in terms.atoms if not (isinstance(a, Name) and a.text == RESERVED_INTERCEPT)]
    coded = [atom for atom in atoms if _is_coded(atom, table)]
    columns = dict.fromkeys(column for atom in atoms if atom not in coded for column in columns_of(atom))
    numeric = {Use(column, where): f"n{i}" for i, column in enumerate(columns)}
    categorical = {atom: (f"c{i}", _levels(atom, table, where)) for i, atom in enumerate(coded)}
    return Encoding(numeric, categorical)


def _is_coded(atom: Node, table: pd.DataFrame) -> bool:
    if not isinstance(atom, Name):
        return is_categorical(atom)
    column = series(table, atom.text)
    return not is_numeric(column) and (is_text(column) or is_boolean(column))


def coded_levels(call: Call, table: pd.DataFrame, where: str) -> Levels:
    """The levels of ``factor(x)`` or ``factor(x, levels = c(…))``, in its order; of ``C(x, …)`` x's.

    Raises:
        DataError: the column also has other levels than those listed.
    """
    inner = call.arguments[0].value
    if isinstance(inner, Call):
        return coded_levels(inner, table, where)
    (column,) = columns_of(inner)
    levels = observed_levels(table, Use(column, where))
    if "levels" in options_of(call):
        return _reordered(levels, literal_values(options_of(call)["levels"]), call)
    return levels


def _levels(atom: Node, table: pd.DataFrame, where: str) -> Levels:
    if isinstance(atom, Call):
        levels = coded_levels(atom, table, where)
    else:
        use = Use(str(columns_of(atom)[0]), where)
        check_plain(table, use)
        levels = observed_levels(table, use)
    column = levels.use.column
    if isinstance(atom, Name) and _reads_as_numbers(levels, table):
        notice(
            f"`{where}`: column '{column}' holds numbers as text and becomes {len(levels.texts)} categories; "
            f"convert it with pd.to_numeric, or write factor({column}) if categories are meant"
        )
    if len(levels.texts) == 1:
        raise DataError(
            f"`{where}`: categorical column '{column}' has the single level {levels.texts[0]!r}, so that its "
            f"effect is not identifiable; leave `{atom}` out"
        )
    return levels


def _reads_as_numbers(levels: Levels, table: pd.DataFrame) -> bool:
    """Whether a column of text, not a pandas Categorical, has the text of a number in every row."""
    if isinstance(series(table, levels.use.column).dtype, pd.CategoricalDtype):
        return False
    return bool(pd.to_numeric(pd.Series(levels.texts, dtype=object), errors="coerce").notna().all())


def _reordered(levels: Levels, texts: list[str], atom: Node) -> Levels:
    """The observed levels in the order of ``factor(x, levels = c(…))``."""
    absent = [text for text in levels.texts if text not in texts]
    if absent:
        raise DataError(
            f"`{atom}`: column '{levels.use.column}' also has the levels {', '.join(map(repr, absent))}"
        )
    return Levels(levels.use, tuple(dict.fromkeys(t for t in texts if t in levels.texts)))
