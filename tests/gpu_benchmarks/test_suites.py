"""All suites in turn: one that fails is named and stops nothing."""

from __future__ import annotations

import subprocess

import gpu_benchmarks.suites as suites
from gpu_benchmarks.suites import run_all


def test_a_suite_that_fails_is_named_and_stops_nothing(monkeypatch, tmp_path, capsys):
    ran = []

    def run(command, env):
        ran.append(command[3:])
        return subprocess.CompletedProcess(command, 1 if "scaling" in command else 0)

    monkeypatch.setattr(suites.subprocess, "run", run)
    assert run_all(("scaling", "memory"), ["--size", "tiny"], tmp_path) == ["scaling"]
    assert ran == [[suite, "--size", "tiny", "--out", str(tmp_path)] for suite in ("scaling", "memory")]
    assert "scaling: failed" in capsys.readouterr().err
