"""Time to the first draw: which cache each process finds, and one real process."""

from __future__ import annotations

import pytest

import gpu_benchmarks.compiling as compiling
from gpu_benchmarks.child import Child, run_child
from gpu_benchmarks.compiling import model_rows, phases
from gpu_benchmarks.launch import shared_table

from .tiny import table


def test_off_cold_and_warm_are_what_they_say(monkeypatch):
    given = []

    def answer(module, arguments, changed):
        given.append((changed["JAX_ENABLE_COMPILATION_CACHE"], changed["JAX_COMPILATION_CACHE_DIR"]))
        return Child({"imported": 102.0, "stated": 103.0, "prepared": 104.5, "first": 107.0}, 100.0, None)

    monkeypatch.setattr(compiling, "run_child", answer)
    rows = list(model_rows("m1", table()))
    assert [row[1] for row in rows] == ["off", "cold", "warm"]
    assert {row[2:] for row in rows} == {(2.0, 1.0, 1.5, 2.5, 7.0)}
    assert [enabled for enabled, _ in given] == ["false", "true", "true"]
    assert len({folder for _, folder in given}) == 1


def test_a_process_that_fails_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling, "run_child", lambda *given: Child(None, 0.0, "exit status 1: no table"))
    with pytest.raises(RuntimeError, match="m1: exit status 1: no table"):
        phases("m1", tmp_path / "table.csv", {})


def test_a_real_process_says_when_things_were_done(tmp_path):
    path = shared_table(table(), tmp_path)
    child = run_child("gpu_benchmarks.first_draw", ["m1", path, 100, 100], {})
    assert child.error is None
    names = ("imported", "stated", "prepared", "first")
    imported, stated, prepared, first = (child.facts[name] for name in names)
    assert child.began < imported < stated < prepared < first
