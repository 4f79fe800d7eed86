"""Design matrices: formulaic evaluates the terms and remembers the encodings for new data."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from formulaic import ModelSpec, SimpleFormula
from formulaic.errors import FormulaicError
from formulaic.materializers.types import NAAction
from formulaic.parser.types import Factor, Term

from hmlm.formula.algebra import RESERVED_INTERCEPT, Terms, read_terms
from hmlm.formula.checks import check_degree, check_finite
from hmlm.formula.encoding import Encoding, encode
from hmlm.formula.expression import Name, Node
from hmlm.formula.functions import IMPLEMENTATIONS, contrasts_of
from hmlm.formula.names import check_distinct, coefficient_name
from hmlm.formula.splines import bs, ns
from hmlm.formula.table import Use, as_table, require_complete, select
from hmlm.formula.translate import to_python
from hmlm.types import DataError, FormulaError

_FIELD = re.compile(r"(?P<factor>.*)\[(?P<coding>[THS]\.)?(?P<field>\d+|\.[LQC]|\^\d+)\]")
_FUNCTIONS = {**IMPLEMENTATIONS, "bs": bs, "ns": ns}
_FAILURES = (FormulaicError, ValueError, TypeError, ArithmeticError, LookupError)


@dataclass(frozen=True)
class TermMatrix:
    """The evaluated terms of one predictor or group-level expression.

    Attributes:
        values: (N, K) float64, an intercept as the first column.
        names: K coefficient names.
        terms: the terms it was built from.
        encoding: how columns become variables.
        spec: formulaic's memory of the encodings; undefined values are left for our own check to name.
        where: the piece of the formula, for messages.
    """

    values: np.ndarray
    names: tuple[str, ...]
    terms: Terms
    encoding: Encoding
    spec: ModelSpec
    where: str

    def rebuild(self, data: pd.DataFrame) -> np.ndarray:
        """(N', K) matrix of new complete data, with the levels, means and bases of the first.

        Raises:
            DataError: missing columns or values, unknown levels, values out of a spline's range.
        """
        table = select(as_table(data), self.uses)
        require_complete(table)
        variables = self.encoding.variables(table)
        try:
            _, values = _evaluate(self.spec, variables)
        except _FAILURES as error:
            raise DataError(f"`{self.where}` cannot be built for the new data: {_reason(error)}") from error
        check_finite(values, self.names, self.where)
        return values

    @property
    def uses(self) -> list[Use]:
        """The columns needed."""
        return [*self.encoding.numeric, *(levels.use for _, levels in self.encoding.categorical.values())]


def build_matrix(text: str, table: pd.DataFrame, where: str) -> TermMatrix:
    """Evaluate the terms of ``text`` on N complete rows.

    Args:
        text: a sum of terms, ``"1 + x * z"``.
        table: the used columns, without missing values.
        where: the piece of the formula, for messages.

    Raises:
        FormulaError: terms or options that have no meaning.
        DataError: columns of the wrong type, values outside a function's domain, names that collide.
    """
    terms = read_terms(text)
    check_degree(terms.atoms, table)
    encoding = encode(terms, table, where)
    factors = [_factor(atom, encoding) for atom in terms.atoms]
    blank = ModelSpec(_formula(terms, factors), output="numpy", na_action=NAAction.IGNORE)
    variables = encoding.variables(table)
    try:
        spec, values = _evaluate(blank, variables)
    except _FAILURES as error:
        raise FormulaError(f"`{where}` cannot be evaluated: {_reason(error)}") from error
    names = _names(spec, {f.expr: a for a, f in zip(terms.atoms, factors, strict=True)}, encoding)
    check_distinct(names, where)
    check_finite(values, names, where)
    return TermMatrix(values, names, terms, encoding, spec, where)


def _factor(atom: Node, encoding: Encoding) -> Factor:
    """formulaic's factor of an atom, on the variables of the encoding."""
    if atom in encoding.categorical:
        variable, contrasts = encoding.categorical[atom][0], contrasts_of(atom)
        if contrasts is not None:
            return Factor(f"C({variable}, {contrasts})", eval_method="python")
        return Factor(variable, eval_method="lookup")
    variables = {use.column: variable for use, variable in encoding.numeric.items()}
    if isinstance(atom, Name):
        return Factor(variables.get(atom.text, RESERVED_INTERCEPT), eval_method="lookup")
    return Factor(to_python(atom, variables), eval_method="python")


def _formula(terms: Terms, factors: list[Factor]) -> SimpleFormula:
    constant = [Term([Factor("1", eval_method="literal")])] if terms.intercept else []
    products = [Term([factors[i] for i in product]) for product in terms.products]
    return cast(SimpleFormula, SimpleFormula([*constant, *products], _ordering="none"))


def _evaluate(spec: ModelSpec, variables: pd.DataFrame) -> tuple[ModelSpec, np.ndarray]:
    """The specification with its memory filled, and the (N, K) matrix."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        matrix = spec.get_model_matrix(variables, context=_FUNCTIONS)
    values = np.asarray(matrix, dtype=np.float64).reshape(len(variables), -1)
    return cast(ModelSpec, matrix.model_spec), values


def _reason(error: Exception) -> str:
    """What went wrong, without formulaic's text of the expression, which has our variables in it."""
    return str(error.__cause__ or error)


@dataclass(frozen=True)
class _Part:
    """A factor's share of a column's name, ``c0[T.1]``: formulaic's factor, coding and field."""

    factor: str
    coding: str = ""
    field: str = ""

    @property
    def family(self) -> tuple[str, str]:
        """What it shares with the other columns of the same factor, coded alike."""
        return self.factor, self.coding


def _names(spec: ModelSpec, atoms: dict[str, Node], encoding: Encoding) -> tuple[str, ...]:
    """Coefficient names of formulaic's columns, which read ``n0:c0[T.1]:poly(n1, 2)[1]``."""
    columns = [[_part(text) for text in column.split(":")] for column in spec.column_names]
    fields: dict[tuple[str, str], dict[str, None]] = {}
    for part in (part for parts in columns for part in parts):
        fields.setdefault(part.family, {})[part.field] = None
    return tuple(
        ":".join(_label(part, list(fields[part.family]), atoms, encoding) for part in parts)
        for parts in columns
    )


def _part(text: str) -> _Part:
    match = _FIELD.fullmatch(text)
    return _Part(match["factor"], match["coding"] or "", match["field"]) if match else _Part(text)


def _label(part: _Part, fields: list[str], atoms: dict[str, Node], encoding: Encoding) -> str:
    """brms's name of one factor's column: the level or, of several columns, the number follows the factor."""
    if part.factor not in atoms:
        return "Intercept"
    atom = atoms[part.factor]
    number = str(fields.index(part.field) + 1) if len(fields) > 1 else ""
    if atom not in encoding.categorical:
        return coefficient_name(f"{atom}{number}")
    if part.coding in ("", "T.") and part.field.isdigit():
        return coefficient_name(f"{atom}{encoding.categorical[atom][1].texts[int(part.field)]}")
    return coefficient_name(f"{atom}{(number or '1') if part.coding else part.field}")
