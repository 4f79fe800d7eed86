"""One core and one thread, before JAX is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_benchmarks.pinning import prepare

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, os, sys
from gpu_benchmarks import __main__
from gpu_benchmarks.pinning import pin
pin()
pin()
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
print(json.dumps([cores, "jax" in sys.modules, "numpy" in sys.modules, os.environ["XLA_FLAGS"]]))
"""


@pytest.fixture(scope="module")
def pinned() -> list:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_one_core(pinned):
    assert pinned[0] in (1, None)


def test_nothing_numerical_is_imported_before(pinned):
    assert pinned[1:3] == [False, False]


def test_flags_are_set_once(pinned):
    assert pinned[3].count("multi_thread_eigen=false") == 1


def test_a_gpu_keeps_the_cpu_beside_it(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setenv("JAX_ENABLE_X64", "0")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    prepare("gpu")
    assert (os.environ["JAX_PLATFORMS"], os.environ["JAX_ENABLE_X64"]) == ("cuda,cpu", "1")
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "true"
    monkeypatch.delenv("XLA_PYTHON_CLIENT_PREALLOCATE")
    prepare("gpu")
    assert os.environ.pop("XLA_PYTHON_CLIENT_PREALLOCATE") == "false"
