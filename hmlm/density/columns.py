"""Distinct columns of a design: equal ones once, and multiples by group folded into others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SAME = 1e-13  # relative difference of a column and its folded form


class Folded(NamedTuple):
    """A column as a multiple of a distinct one.

    Attributes:
        position: of the distinct column.
        multiplier: (G,) the multiple in each group that has rows, None for one everywhere.
        groups: (G,) those groups.
    """

    position: int
    multiplier: np.ndarray | None = None
    groups: np.ndarray | None = None

    def by_group(self, n_groups: int) -> np.ndarray:
        """(J,) multiples, zero for groups without rows."""
        out = np.zeros(n_groups)
        out[self.groups] = self.multiplier
        return out


class Columns:
    """A growing list of distinct columns of N rows; the first is constant one."""

    def __init__(self, n_rows: int) -> None:
        self._columns = [np.ones(n_rows)]

    def array(self) -> np.ndarray:
        """(C, N)."""
        return np.stack(self._columns)

    def add(self, column: np.ndarray) -> int:
        """Position of an (N,) column, appended where it is new."""
        for i, known in enumerate(self._columns):
            if np.array_equal(known, column):
                return i
        self._columns.append(column)
        return len(self._columns) - 1

    def fold(self, column: np.ndarray, index: np.ndarray | None) -> Folded:
        """An (N,) column as one of these times a value of each row's group, appended where it is neither.

        Args:
            column: the column.
            index: (N,) group of each row; None where there are no groups.
        """
        for i, known in enumerate(self._columns):
            if np.array_equal(known, column):
                return Folded(i)
        if index is not None:
            for i, known in enumerate(self._columns):
                multiple = _multiple(column, known, index)
                if multiple is not None:
                    return Folded(i, *multiple)
        return Folded(self.add(column))


def _multiple(column: np.ndarray, known: np.ndarray, index: np.ndarray) -> tuple | None:
    """The value per group that makes ``known`` into ``column``, and the groups; None where there is none."""
    groups, own = np.unique(index, return_inverse=True)
    order = np.lexsort((np.abs(known), own))
    largest = order[np.append(np.flatnonzero(np.diff(own[order])), len(order) - 1)]
    ratio = column[largest] / np.where(known[largest] == 0, 1.0, known[largest])
    near = np.abs(column - ratio[own] * known) <= SAME * np.abs(column)
    return (ratio, groups) if near.all() else None
