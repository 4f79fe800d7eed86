"""``mm(a, b)``: one grouping factor of which each row belongs to several levels, with weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from hmlm.formula.factors import check_factor_name, check_several
from hmlm.formula.levels import level_texts, observed_levels
from hmlm.formula.parser import parse
from hmlm.formula.quantity import quantity_columns
from hmlm.formula.row_values import Quantity, build_quantity
from hmlm.formula.table import Use, as_table, require_complete, select, series
from hmlm.types import DataError, Factor, GroupTerm, Members


def build_memberships(table: pd.DataFrame, term: GroupTerm, where: str) -> Factor:
    """The factor of a term with several memberships: its levels are those of all its columns.

    Args:
        table: N complete rows.
        term: of ``mm(…)``.
        where: the term as written, for messages.

    Raises:
        DataError: a single level, or weights that are negative or of sum zero where they are scaled.
    """
    check_factor_name(term.factor, where)
    parts = [series(table, column) for column in term.columns]
    stacked = pd.DataFrame({term.factor: pd.concat(parts, ignore_index=True)})
    levels = observed_levels(stacked, Use(term.factor, where))
    check_several(levels.texts, term.factor, where)
    index = levels.codes(stacked).reshape(len(parts), -1).T
    weights = _weights_of(table, term, where)
    return Factor(
        name=term.factor,
        columns=term.columns,
        levels=levels.texts,
        index=index[:, 0],
        members=Members(index, weights(table), weights),
    )


def weight_columns(term: GroupTerm) -> tuple[str, ...]:
    """The columns that a term's weights are computed from."""
    texts = () if term.multiple is None else term.multiple.weights
    return tuple(column for text in texts for column in quantity_columns(parse(text)))


def member_levels(table: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """(N, M) object array of the levels of each row as :attr:`Factor.levels` writes them, known or new."""
    return np.stack([level_texts(series(table, column)) for column in columns], axis=1)


def _weights_of(table: pd.DataFrame, term: GroupTerm, where: str) -> Callable[[pd.DataFrame], np.ndarray]:
    multiple = term.multiple
    assert multiple is not None
    if not multiple.weights:
        value = 1.0 / len(term.columns) if multiple.scale else 1.0
        return partial(_equal, len(term.columns), value)
    quantities = tuple(build_quantity(parse(text), table, where) for text in multiple.weights)
    return partial(_weights, quantities, weight_columns(term), multiple.scale, where)


def _equal(n_members: int, value: float, table: pd.DataFrame) -> np.ndarray:
    return np.full((len(as_table(table)), n_members), value)


def _weights(
    quantities: tuple[Quantity, ...], columns: tuple[str, ...], scale: bool, where: str, table: pd.DataFrame
) -> np.ndarray:
    """(N, M) weights of any table."""
    require_complete(select(as_table(table), [Use(column, where) for column in columns]))
    weights = np.stack([quantity.rebuild(table) for quantity in quantities], axis=1)
    if (weights < 0).any():
        raise DataError(f"`{where}`: a weight is {weights.min():g}; weights of memberships are not negative")
    total = weights.sum(axis=1, keepdims=True)
    if scale and (total == 0).any():
        raise DataError(
            f"`{where}`: the weights of a row are all zero, so that they cannot be divided by their sum; "
            "leave such rows out, or write scale = FALSE"
        )
    return weights / total if scale else weights
