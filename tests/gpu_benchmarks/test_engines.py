"""Engines: why one is absent, what their processes find, and one real run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import gpu_benchmarks.engines as engines
from gpu_benchmarks.child import ROOT
from gpu_benchmarks.data import affect_table, read_table, write_table
from gpu_benchmarks.engines import brms_absent, pymc_absent
from gpu_benchmarks.launch import environment, launch, shared_table
from gpu_benchmarks.measurement import Settings

from .tiny import table


def test_caches_of_every_engine_are_on_and_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTENSOR_FLAGS", "floatX=float64")
    found = environment(tmp_path)
    names = ("JAX_COMPILATION_CACHE_DIR", "PYTENSOR_FLAGS", "NUMBA_CACHE_DIR")
    assert all(str(tmp_path) in found[name] for name in names)
    assert found["JAX_ENABLE_COMPILATION_CACHE"] == "true"
    assert found["PYTENSOR_FLAGS"].split(",")[::2] == ["floatX=float64", "numba__cache=True"]


def test_pymc_is_absent_where_a_package_is_missing(monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "nutpie" else object())
    assert pymc_absent() == "PyMC is not measured: nutpie cannot be imported; pip install -e '.[peers]'"
    monkeypatch.setattr(engines, "find_spec", lambda name: object())
    assert pymc_absent() is None


@pytest.mark.parametrize(
    ("status", "says"), [(None, "no Rscript here"), (1, "R has no package brms"), (0, None)]
)
def test_brms_is_absent_where_r_or_its_package_is(status, says, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    if status is not None:
        (tmp_path / "Rscript").write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / "Rscript").chmod(0o755)
    assert brms_absent() is None if says is None else says in brms_absent()


def test_every_engine_reads_the_same_table_to_the_last_bit(tmp_path):
    write_table(table(), tmp_path / "table.npz")
    read = read_table(tmp_path / "table.npz")
    assert (read.to_numpy(float) == table().to_numpy(float)).all()
    assert list(read) == list(table())


@pytest.mark.parametrize("source", ["williams2", "simulated:8", "simulated:8x"])
def test_unknown_tables_are_refused(source):
    with pytest.raises(ValueError, match="choose 'williams' or 'simulated:PEOPLExDAYS'"):
        affect_table(source)


def test_the_process_of_another_engine_does_not_import_hmlms():
    script = """
import sys
from gpu_benchmarks import affect_data, data, engines, measurement, run_brms, table, worker
print(sorted({"jax", "hmlm", "numpyro"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_run_takes_longer_than_what_it_measures_itself(tmp_path):
    path = shared_table(table(), tmp_path)
    caches = {"JAX_COMPILATION_CACHE_DIR": os.environ["JAX_COMPILATION_CACHE_DIR"]}
    timed = launch("hmlm", "m1", path, Settings(100, 100, 1), tmp_path, caches)
    seconds = timed.measured.seconds
    assert timed.wall > seconds.everything > seconds.warmup + seconds.sampling > 0
    assert {"b_NA_lag", "sigma", "sd_id__Intercept"} < set(timed.measured.draws)
    assert all(len(values) == 100 for values in timed.measured.draws.values())
