"""The table of memory: one process per row, and what a process finds."""

from __future__ import annotations

import gpu_benchmarks.memory as memory
from gpu_benchmarks.child import Child
from gpu_benchmarks.memory import HEADER, rows_of
from gpu_benchmarks.memory_run import gradient_of, peak, planned
from gpu_benchmarks.sizes import SIZES, TINY

from .tiny import model, table


class Device:
    """Says what its allocator held, or nothing."""

    def __init__(self, stats):
        self.stats = stats

    def memory_stats(self):
        return self.stats


def test_a_row_per_chunk_and_one_for_the_gradient(monkeypatch):
    asked = []

    def answer(module, arguments, changed):
        asked.append(tuple(arguments[2:]))
        facts = {"arguments": 1_000_000, "temporary": 2_000_000, "output": 0, "peak": None, "seconds": 0.5}
        return Child(facts, 0.0, None) if arguments[-1] else Child(None, 0.0, "exit status 1: no memory")

    monkeypatch.setattr(memory, "run_child", answer)
    failed, *others = (dict(zip(HEADER, row, strict=True)) for row in rows_of("m4", 2, table(), SIZES[TINY]))
    assert asked == [(2, 0), *((2, chunk) for chunk in SIZES[TINY].chunks)]
    assert (failed["temporary MB"], failed["failed"]) == (None, "exit status 1: no memory")
    assert [(row["arguments MB"], row["output MB"], row["peak on device MB"]) for row in others] == [
        (1.0, 0.0, None)
    ] * 2


def test_what_is_planned_grows_with_chains(double):
    one, several = (planned(gradient_of(model("m1").log_density, n, 0)[0]) for n in (1, 8))
    assert several["output"] > 5 * one["output"] > 0
    assert several["temporary"] > one["temporary"]


def test_the_peak_is_what_the_device_says():
    assert peak(Device({"peak_bytes_in_use": 7})) == 7
    assert peak(Device(None)) is None
