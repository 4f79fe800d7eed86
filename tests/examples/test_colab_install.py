"""The cloud notebook's first cell: what it asks pip for, and when it asks for nothing."""

from __future__ import annotations

import shutil
from importlib import util

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement

from .notebooks import EXAMPLES, code_cells, read

NOTEBOOK = EXAMPLES / "colab_melsm.ipynb"
WHEEL = "hmlm-0.1.0-py3-none-any.whl"


class Shell:
    """Stands for IPython: keeps what ``%pip`` was asked for, expanded as IPython expands it."""

    def __init__(self, namespace):
        self.namespace, self.asked = namespace, []

    def run_line_magic(self, name, line):
        self.asked.append((name, line.format(**self.namespace)))


def installed(monkeypatch, *, present=False, gpu=False, source=""):
    """What the first cell asks pip for, as ``(name, line)`` pairs."""
    monkeypatch.setattr(util, "find_spec", lambda name: object() if present else None)
    monkeypatch.setattr(shutil, "which", lambda name: "nvidia-smi" if gpu else None)
    cell = code_cells(read(EXAMPLES / "colab_melsm.ipynb"))[0].source.replace(
        'SOURCE = ""', f"SOURCE = {source!r}"
    )
    namespace = {}
    shell = Shell(namespace)
    namespace["get_ipython"] = lambda: shell
    exec(TransformerManager().transform_cell(cell), namespace)
    return shell.asked


def requirement(asked):
    """The one requirement that was asked for, parsed."""
    ((name, line),) = asked
    assert name == "pip" and line.startswith("install --quiet ")
    return Requirement(line.removeprefix("install --quiet ").strip('"'))


def test_nothing_is_installed_where_hmlm_is(monkeypatch):
    assert installed(monkeypatch, present=True) == []


@pytest.mark.parametrize(("gpu", "extras"), [(False, set()), (True, {"cuda12"})])
def test_an_uploaded_wheel_is_installed(monkeypatch, tmp_path, gpu, extras):
    monkeypatch.chdir(tmp_path)
    (tmp_path / WHEEL).touch()
    asked = requirement(installed(monkeypatch, gpu=gpu, source="git+ssh://elsewhere"))
    assert (asked.name, asked.extras) == ("hmlm", extras)
    assert asked.url == (tmp_path / WHEEL).as_uri()


def test_without_a_wheel_the_repository_is_installed(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert requirement(installed(monkeypatch, source="git+ssh://host/hmlm")).url == "git+ssh://host/hmlm"


def test_without_either_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match="upload a wheel"):
        installed(monkeypatch)
