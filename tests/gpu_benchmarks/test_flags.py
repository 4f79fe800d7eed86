"""The sweep of flags: what every process is given, and what one that fails leaves."""

from __future__ import annotations

import gpu_benchmarks.flags as flags
from gpu_benchmarks.child import Child
from gpu_benchmarks.data import write_table
from gpu_benchmarks.flag_run import figures
from gpu_benchmarks.flags import FIGURES, HEADER, sweep
from gpu_benchmarks.sizes import SIZES, TINY

from .tiny import model, table


def test_every_flag_runs_twice_beside_the_flags_there_are(monkeypatch, tmp_path):
    given = []

    def answer(module, arguments, changed):
        given.append(changed["XLA_FLAGS"])
        return Child(dict.fromkeys(FIGURES, 1.0), 0.0, None)

    monkeypatch.setenv("XLA_FLAGS", "--here")
    monkeypatch.setattr(flags, "run_child", answer)
    rows = list(sweep("m4", 2, tmp_path / "table.csv", SIZES[TINY], ("", "--xla_new=1")))
    assert given == ["--here", "--here", "--here --xla_new=1", "--here --xla_new=1"]
    named = [dict(zip(HEADER, row, strict=True)) for row in rows]
    assert [(row["flags"], row["run"]) for row in named] == [
        ("default", 1),
        ("default", 2),
        ("--xla_new=1", 1),
        ("--xla_new=1", 2),
    ]


def test_a_flag_that_xla_does_not_know_is_a_row_without_figures(tmp_path):
    write_table(table(), tmp_path / "table.npz")
    tried = ("--xla_no_such_flag=1",)
    row = next(sweep("m4", 1, tmp_path / "table.npz", SIZES[TINY], tried))
    named = dict(zip(HEADER, row, strict=True))
    assert named["µs per evaluation"] is None is named["second chunk s"]
    assert "xla_no_such_flag" in named["failed"]


def test_figures_of_one_process(double):
    found = figures(model("m1").log_density, 1, 5, 1e-4, 1)
    assert tuple(found) == FIGURES
    assert all(value > 0 for value in found.values())
