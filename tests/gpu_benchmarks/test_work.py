"""Counts of bytes and operations: against loops that do the algebra, and for models whose sizes are known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from gpu_benchmarks.work import EXP, RowKernel, StatisticsKernel, kernel_of, small_algebra

from .tiny import model, table

N_COLUMNS = 4  # of model 5 beside the constant: day, both lags, steps.pmd; steps.pm is folded into levels


def small_algebra_by_loops(q: int) -> int:
    """Every multiply-add of ``prototypes`` and ``kernels/eliminate.py``, one by one, lower triangles only."""
    lower = [(a, e) for a, e in product(range(q), repeat=2) if e <= a]
    counts = [
        sum(1 for a, e in product(range(q), repeat=2) for _ in range(e, q)),  # F Lambda
        sum(1 for a, e in lower for _ in range(a, q)),  # I + Lambda'F Lambda
        sum(1 for a in range(q) for _ in range(a, q)),  # v = Lambda'g
        sum(1 for a, e in lower for _ in range(e + 1)),  # Cholesky: e updates and a scaling or root
        EXP,
        sum(1 for a, e in lower for _ in range(e, a + 1)),  # inverse of the factor
        sum(1 for a, e in lower for _ in range(a, q)),  # A^-1
        q * q + q,  # x, v'x
        sum(1 for a in range(q) for _ in range(a + 1)),  # u = Lambda x
        sum(1 for a, e in product(range(q), repeat=2) for _ in range(a + 1)),  # Lambda A^-1
        sum(1 for a, e in lower for _ in range(e + 1)),  # V
        len(lower),  # derivative in F
        2 * len(lower),  # g x', A^-1 + xx'
        sum(1 for _ in lower for _ in range(q)),  # F Lambda times that
    ]
    return sum(counts)


@pytest.mark.parametrize("q", [1, 2, 3, 6])
def test_the_small_algebra_is_what_loops_do(q):
    assert small_algebra(q) == small_algebra_by_loops(q)


def test_nothing_is_integrated_out_for_nothing():
    assert small_algebra(0) == 0


def row_kernel_by_loops(kernel: RowKernel) -> int:
    """Multiply-adds of one row and one outcome, in the order of the C++ prototype's loops."""
    q, pairs = kernel.effects, kernel.effects * (kernel.effects + 1) // 2
    first = kernel.mean_columns + kernel.scale_columns + 1  # r, s, sum of s
    first += EXP + 1  # w = exp(-2 s)
    first += 2 + q + q + pairs  # w r, r w r; g; w d, G
    second = q + pairs + q  # e; d V d
    second += 1 + 3  # w e; w e e + w h - 1
    return first + second + kernel.mean_columns + kernel.scale_columns


@pytest.mark.parametrize("q", [1, 3])
def test_a_row_of_one_outcome_is_what_loops_do(q):
    kernel = RowKernel(
        rows=1000, levels=10, columns=5, mean_columns=5, scale_columns=4, effects=q, outcomes=1
    )
    rows = sum(count for name, count in kernel.operations().items() if name != "levels")
    assert rows == 1000 * row_kernel_by_loops(kernel)


def test_bytes_of_rows_are_those_of_the_arrays():
    kernel = RowKernel(
        rows=1000, levels=10, columns=4, mean_columns=5, scale_columns=4, effects=3, outcomes=1
    )
    arrays = np.zeros((4, 1000)), np.zeros(1000), *[np.zeros((9, 10))] * 2, *[np.zeros((3, 3))] * 2
    assert sum(kernel.bytes().values()) == sum(array.nbytes for array in arrays)
    assert sum(kernel.bytes(4).values()) == sum(array.nbytes for array in arrays) / 2


def test_statistics_grow_with_cells_not_with_rows():
    one = StatisticsKernel(cells=10, levels=10, basis=4, effects=3, outcomes=1, varies=False, shifted=False)
    two = StatisticsKernel(cells=20, levels=20, basis=4, effects=3, outcomes=1, varies=False, shifted=False)
    assert sum(two.bytes().values()) == 2 * sum(one.bytes().values()) == 2 * 8 * 10 * (4 * 3 + 6)
    assert sum(two.operations().values()) == 2 * sum(one.operations().values())


def test_model_5_reads_rows_of_its_distinct_columns():
    kernel = kernel_of(model("m5").log_density)
    assert isinstance(kernel, RowKernel)
    assert (kernel.rows, kernel.levels) == (len(table()), table()["id"].nunique())
    assert (kernel.columns, kernel.mean_columns, kernel.scale_columns) == (
        N_COLUMNS,
        N_COLUMNS + 1,
        N_COLUMNS,
    )
    assert (kernel.effects, kernel.outcomes) == (3, 1)


@pytest.mark.parametrize(
    ("name", "effects", "outcomes", "varies"),
    [("m1", 3, 1, False), ("m2", 2, 2, False), ("m4", 1, 1, True)],
)
def test_the_others_read_a_cell_per_person(name, effects, outcomes, varies):
    kernel = kernel_of(model(name).log_density)
    assert isinstance(kernel, StatisticsKernel)
    assert kernel.cells == kernel.levels == table()["id"].nunique()
    assert (kernel.effects, kernel.outcomes) == (effects, outcomes)
    assert (kernel.varies, kernel.shifted) == (varies, varies)
