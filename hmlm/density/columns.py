"""Distinct columns of a design: equal ones once, and multiples by group folded into others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SAME = 1e-13  # relative difference of a column and its folded form


class Folded(NamedTuple):
    """A column as a multiple of a distinct one: where that stands, and (J,) multiples, None for one."""

    position: int
    multiplier: np.ndarray | None = None


class Columns:
    """A growing list of distinct columns of N rows in J groups; the first is constant one."""

    def __init__(self, index: np.ndarray, n_groups: int) -> None:
        self._index, self._n_groups = index, n_groups
        self._columns: list[np.ndarray] = []
        self._largest: list[np.ndarray] = []
        self.add(np.ones(len(index)))

    def array(self) -> np.ndarray:
        """(C, N)."""
        return np.stack(self._columns)

    def add(self, column: np.ndarray) -> int:
        """Position of an (N,) column, appended where it is new."""
        for i, known in enumerate(self._columns):
            if np.array_equal(known, column):
                return i
        self._columns.append(column)
        self._largest.append(_largest_rows(column, self._index))
        return len(self._columns) - 1

    def fold(self, column: np.ndarray) -> Folded:
        """An (N,) column as one of these times a value of each row's group, appended where it is neither."""
        for i, known in enumerate(self._columns):
            if np.array_equal(known, column):
                return Folded(i)
        for i in range(len(self._columns)):
            multiplier = self._multiple(column, i)
            if multiplier is not None:
                return Folded(i, multiplier)
        return Folded(self.add(column))

    def _multiple(self, column: np.ndarray, i: int) -> np.ndarray | None:
        """(J,) value by group that makes column ``i`` into ``column``, None where there is none."""
        known, rows = self._columns[i], self._largest[i]
        ratio = np.zeros(self._n_groups)
        ratio[self._index[rows]] = column[rows] / np.where(known[rows] == 0, 1.0, known[rows])
        near = np.abs(column - ratio[self._index] * known) <= SAME * np.abs(column)
        return ratio if near.all() else None


def _largest_rows(column: np.ndarray, index: np.ndarray) -> np.ndarray:
    """In every group that has rows, the row where a column is largest in absolute value."""
    order = np.lexsort((np.abs(column), index))
    last = np.append(np.flatnonzero(np.diff(index[order])), len(order) - 1)
    return order[last]
