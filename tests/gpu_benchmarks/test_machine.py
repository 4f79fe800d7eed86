"""What is said about the machine, and how its platform is found."""

from __future__ import annotations

import os

import pytest

import gpu_benchmarks.machine as machine
from gpu_benchmarks.machine import driver_version, find_platform, flags, this_machine

from .tiny import MACHINE


def test_the_line_has_device_cores_versions_and_flags():
    line = MACHINE.line()
    assert "a processor (cpu); 1 of 2 CPU cores" in line
    assert "jax 1" in line
    assert "XLA_FLAGS='--x'" in line


def test_this_machine_is_the_one_jax_runs_on():
    found = this_machine({"pymc": "6"})
    assert (found.platform, found.driver) == ("cpu", None)
    assert {"hmlm", "jax", "pymc"} <= set(found.versions)
    assert 1 <= found.cores <= found.of_cores == os.cpu_count()


def test_flags_are_what_the_engines_read():
    environment = {"XLA_FLAGS": "--a", "JAX_PLATFORMS": "cpu", "HOME": "h", "MY_XLA_FLAGS": "--b"}
    assert flags(environment) == {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--a"}


@pytest.mark.parametrize(
    ("script", "version"), [("echo 580.65.06; echo 580.65.06", "580.65.06"), ("exit 9", None)]
)
def test_the_driver_is_what_its_tool_says(script, version, tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert driver_version() == version


@pytest.mark.parametrize(
    ("wanted", "plugins", "platform"),
    [("cpu", ["cuda13"], "cpu"), ("cuda,cpu", [], "gpu"), ("", [], "cpu")],
)
def test_the_platform_is_the_users_choice_or_what_is_installed(wanted, plugins, platform, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", wanted)
    monkeypatch.setattr(machine, "entry_points", lambda group: plugins)
    assert find_platform() == platform


def test_jax_is_asked_where_a_plugin_is_installed(monkeypatch):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setattr(machine, "entry_points", lambda group: ["cuda13"])
    monkeypatch.setattr(machine, "ASK", "print('gpu')")
    assert find_platform() == "gpu"
    monkeypatch.setattr(machine, "ASK", "raise SystemExit(1)")
    assert find_platform() == "cpu"
