"""The comparison of placements: one run of a process, and ratios within a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

import gpu_benchmarks.devices as devices
from gpu_benchmarks.child import Child
from gpu_benchmarks.device_run import figures
from gpu_benchmarks.devices import FIGURES, HEADER, Case, on_cpu, on_gpus, report
from gpu_benchmarks.launch import shared_table
from gpu_benchmarks.sizes import SIZES, TINY

from .tiny import SOURCE, table

QUICK = replace(SIZES[TINY], data=SOURCE, models=("m4",))


def test_a_process_samples_and_counts(tmp_path):
    settings = {"chains": 2, "warmup": 100, "draws": 100, "parallel": "shard_map", "devices": 1}
    found = figures("m4", shared_table(table(), tmp_path), settings)
    assert set(found) == set(FIGURES)
    assert found["leapfrogs"] >= 200
    assert 0 < found["ess"] < 1000


def test_ratios_are_to_the_first_with_as_many_chains(monkeypatch):
    def run(module, arguments, changed):
        cores, placement = arguments[-1], arguments[-3]
        assert changed["JAX_NUM_CPU_DEVICES"] == str(arguments[-2])
        if placement == "pmap":
            return Child(None, 0.0, "exit status 1: no")
        facts = dict.fromkeys(FIGURES, 2.0) | {"ess": 100.0 if cores else 150.0}
        return Child(facts, 0.0, None)

    monkeypatch.setattr(devices, "run_child", run)
    rows = [dict(zip(HEADER, row, strict=True)) for row in report(QUICK).tables[0].rows]
    per_chains = len(on_cpu())
    assert len(rows) == 2 * per_chains
    for part in (rows[:per_chains], rows[per_chains:]):
        assert len({row["chains"] for row in part}) == 1
        assert [row["times the first"] for row in part] == [1.0, 1.5, 1.5, 1.5, None]
        assert part[-1]["failed"].startswith("exit status 1")


@pytest.mark.parametrize("n", [1, 8])
def test_gpus_are_compared_with_one(n):
    assert on_gpus(n)[0] == Case("shard_map", 1)
    assert {case.devices for case in on_gpus(n)} == {1, n}
