"""Linearly dependent columns are found whatever their scale."""

import numpy as np
import pytest

from hmlm.formula.checks import collinear_columns


@pytest.fixture
def columns():
    return np.random.default_rng(3).normal(size=(50, 5))


def groups(matrix, intercept=True):
    return collinear_columns(matrix, [f"x{i}" for i in range(matrix.shape[1])], intercept)


def test_independent(columns):
    assert groups(columns) == []
    assert (
        groups(columns * 10.0 ** np.array([-12, 0, 5, 9, -4]) + 1000 * 10.0 ** np.array([-12, 0, 5, 9, -4]))
        == []
    )
    assert groups(np.zeros((5, 0))) == []


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_copies_and_combinations(columns, scale):
    columns[:, 3] = scale * (columns[:, 0] - 2 * columns[:, 2])
    assert groups(columns) == [("x0", "x2", "x3")]
    assert groups(columns, intercept=False) == [("x0", "x2", "x3")]


def test_shift_matters_only_with_an_intercept(columns):
    columns[:, 4] = columns[:, 1] + 7.0
    assert groups(columns) == [("x1", "x4")]
    assert groups(columns, intercept=False) == []


def test_constant_columns(columns):
    columns[:, 2] = 5.0
    assert groups(columns) == [("Intercept", "x2")]
    assert groups(columns, intercept=False) == []
    columns[:, 2] = 0.0
    assert groups(columns, intercept=False) == [("x2",)]


def test_two_dependencies(columns):
    columns[:, 3], columns[:, 4] = columns[:, 0] * 2, -columns[:, 1]
    assert sorted(groups(columns)) == [("x0", "x3"), ("x1", "x4")]


def test_more_columns_than_rows(columns):
    assert len(groups(columns[:3])) == 3
