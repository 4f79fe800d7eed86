"""Fresh processes: their figures, or their last words."""

from __future__ import annotations

import os

import pytest

from gpu_benchmarks.child import LAST, python_path, run_child


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module that processes can run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(source: str) -> str:
        (tmp_path / "childs_play.py").write_text(f"import json, os, sys\n{source}\n")
        return "childs_play"

    return write


def test_the_last_line_holds_the_figures(module):
    name = module("print('warming up'); print(json.dumps([sys.argv[1:], os.environ['COLOUR']]))")
    child = run_child(name, ["a", 2], {"COLOUR": "red"})
    assert (child.facts, child.error) == ([["a", "2"], "red"], None)


def test_a_failure_is_a_result_with_its_last_words(module):
    child = run_child(module(f"sys.exit('x' * {LAST} + ' Unknown flag')"), [], {})
    assert child.facts is None
    assert child.error.startswith("exit status 1: xxx")
    assert child.error.endswith("Unknown flag")


def test_this_package_comes_first_on_the_path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    first, *others = python_path().split(os.pathsep)
    assert os.path.isdir(os.path.join(first, "gpu_benchmarks"))
    assert others == ["elsewhere"]
