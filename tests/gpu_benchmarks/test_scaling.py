"""Cases of the scaling table: one number changes at a time, and the model is the case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpu_benchmarks.backends import usable
from gpu_benchmarks.scaling import HEADER, case_rows, cases, check
from gpu_benchmarks.scaling_data import KERNELS, ROWS, STATISTICS, Case, simulated, stated
from gpu_benchmarks.sizes import CPU, GPU, SIZES, TINY

QUICK = replace(SIZES[TINY], seconds=1e-4, repeats=1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_case_changes_one_number_of_the_base(size, kernel):
    base, *others = cases(kernel, SIZES[size])
    changes = [sum(a != b for a, b in zip(base, other, strict=True)) for other in others]
    assert set(changes) == {1}
    assert len({*others, base}) == len(others) + 1


@pytest.mark.parametrize("size", [CPU, GPU])
def test_numbers_are_ten_times_apart_and_levels_have_rows(size):
    wanted = SIZES[size]
    for numbers in (wanted.rows, wanted.levels, wanted.chains[:-1]):
        ordered = sorted(numbers)
        assert all(b == 10 * a for a, b in zip(ordered, ordered[1:], strict=False))
    assert all(case.rows >= 4 * case.levels for case in cases(STATISTICS, wanted))


@pytest.mark.parametrize(
    "case", [Case(STATISTICS, 60, 6, 1, 1), Case(ROWS, 60, 6, 2, 1)], ids=lambda c: c.kernel
)
def test_the_model_is_the_case(case):
    density = stated(case, simulated(case)).log_density
    check(case, density)
    other = ROWS if case.kernel == STATISTICS else STATISTICS
    for wrong in (case._replace(kernel=other), case._replace(rows=61), case._replace(effects=3)):
        with pytest.raises(ValueError, match="asked for"):
            check(wrong, density)


@pytest.mark.parametrize("chains", [1, 3])
def test_the_time_of_a_gradient_is_a_share_of_the_chains(chains, double):
    rows = list(case_rows(Case(STATISTICS, 60, 6, 1, chains), QUICK, None))
    for row in rows:
        named = dict(zip(HEADER, row, strict=True))
        assert (named["N"], named["J"], named["q"], named["chains"]) == (60, 6, 1, chains)
        assert named["µs per gradient"] * chains == pytest.approx(named["µs per evaluation"])
        assert named["floor µs"] is None
    assert len(rows) == len(usable())
