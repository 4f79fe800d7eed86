"""The floor of a kernel on a given core, and how a core is measured."""

from __future__ import annotations

import time

import pytest

from gpu_benchmarks import roofline
from gpu_benchmarks.roofline import HEADER, Core, Level, Timed, as_bytes, best_seconds, cache_sizes, floor
from gpu_benchmarks.work import RowKernel

KERNEL = RowKernel(rows=1000, levels=10, columns=4, mean_columns=5, scale_columns=4, effects=3, outcomes=1)
BYTES, OPERATIONS = sum(KERNEL.bytes().values()), sum(KERNEL.operations().values())


def core(l2: int, peak: float = 1e9) -> Core:
    return Core(peak, (Level("L2", l2, 1e11), Level("memory", None, 1e10)))


def test_bytes_come_from_the_nearest_level_that_holds_them():
    assert floor(KERNEL, core(BYTES)).level == "L2"
    assert floor(KERNEL, core(BYTES)).bandwidth == pytest.approx(BYTES / 1e11)
    assert floor(KERNEL, core(BYTES - 1)).level == "memory"
    assert floor(KERNEL, core(BYTES - 1)).bandwidth == pytest.approx(BYTES / 1e10)


def test_the_floor_is_the_larger_of_both_times():
    assert floor(KERNEL, core(BYTES, peak=1e6)).seconds == pytest.approx(OPERATIONS / 1e6)
    assert floor(KERNEL, core(BYTES, peak=1e15)).seconds == pytest.approx(BYTES / 1e11)


def test_the_share_is_floor_over_time():
    table = roofline.roofline_table([Timed("m5", "xla", KERNEL, 4 * OPERATIONS / 1e6)], core(BYTES, peak=1e6))
    row = dict(zip(HEADER, table.rows[0], strict=True))
    assert row["share of floor"] == pytest.approx(0.25)
    assert (row["kB"], row["kernel"], row["bytes from"]) == (pytest.approx(BYTES / 1e3), "rows", "L2")


def test_time_is_that_of_one_call(monkeypatch):
    monkeypatch.setattr(roofline, "REPEATS", 2)
    assert 0.002 <= best_seconds(lambda: time.sleep(0.002)) < 0.02


def test_a_core_is_measured(monkeypatch):
    """Work over seconds at every level, with a clock that says a millisecond for whatever it is given."""

    def a_millisecond(call):
        call()
        return 1e-3

    monkeypatch.setattr(roofline, "best_seconds", a_millisecond)
    monkeypatch.setattr(roofline, "cache_sizes", lambda: {"L2": 2**20})
    found = roofline.core()
    assert found.peak == pytest.approx(roofline.MATRIX**3 * 1e3)
    assert found.levels == (Level("L2", 2**20, 2**19 * 1e3), Level("memory", None, 2**23 * 1e3))


def test_caches_are_read_off_the_system(tmp_path):
    for i, (kind, level, size) in enumerate(
        [("Data", 1, "32K"), ("Instruction", 1, "32K"), ("Unified", 2, "1M")]
    ):
        (tmp_path / f"index{i}").mkdir()
        for name, value in (("type", kind), ("level", level), ("size", size)):
            (tmp_path / f"index{i}" / name).write_text(f"{value}\n")
    assert cache_sizes(tmp_path) == {"L2": 2**20}
    assert cache_sizes(tmp_path / "missing") == roofline.UNKNOWN


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("1024K", 2**20), ("32M", 2**25)])
def test_sizes_of_caches(text, size):
    assert as_bytes(text) == size
    with pytest.raises(ValueError, match="no size"):
        as_bytes(f"{text}B")
