import importlib.metadata

import pytest

from hmlm.cli import main
from hmlm.cli.doctor import PACKAGES, advice, precision


@pytest.mark.parametrize(
    ("jaxlib", "backend", "mark"),
    [
        ("0.10.1", "gpu", "ok"),
        ("0.10.2", "cpu", "note"),
        ("0.10.2", "gpu", "warning"),
        ("0.11.0", "gpu", "warning"),
        ("0.11.1", "cpu", "problem"),
        ("0.11.1", "gpu", "problem"),
        ("0.12.0.1", "gpu", "ok"),
    ],
)
def test_known_bad_versions_are_told(jaxlib, backend, mark):
    assert advice(jaxlib, backend).mark == mark


@pytest.mark.parametrize(
    ("backend", "kinds", "expected"),
    [
        ("cpu", ["cpu"], "float64"),
        ("gpu", ["NVIDIA H100 80GB HBM3"], "float64"),
        ("gpu", ["NVIDIA A100-SXM4-80GB"], "float64"),
        ("gpu", ["NVIDIA GeForce RTX 4090"], "float32"),
        ("gpu", ["NVIDIA A1000"], "float32"),
        ("tpu", ["TPU v5"], "float32"),
    ],
)
def test_precision_follows_the_device(backend, kinds, expected):
    assert precision(backend, kinds) == expected


def test_report_has_every_package_and_the_devices(capsys, monkeypatch):
    monkeypatch.delenv("HMLM_DATA_DIR", raising=False)
    main(["doctor"])
    printed = capsys.readouterr().out
    assert all(package in printed for package in PACKAGES)
    assert importlib.metadata.version("jaxlib") in printed
    assert "float64" in printed or "float32" in printed
    assert "downloads and caches" in printed
    assert "native kernels" in printed


def test_missing_native_kernels_are_told(capsys, monkeypatch):
    monkeypatch.setattr("hmlm.density.backend.available", lambda: False)
    main(["doctor"])
    assert "C++ compiler" in capsys.readouterr().out


def test_a_wrong_data_folder_is_a_problem(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HMLM_DATA_DIR", str(tmp_path / "nowhere"))
    assert main(["doctor"]) == 1
    cells = capsys.readouterr().out.replace("│", " ")
    assert "is not a folder" in " ".join(cells.split())


def test_a_missing_package_is_a_problem(capsys, monkeypatch):
    monkeypatch.setattr("hmlm.cli.doctor.PACKAGES", ("no-such-package",))
    assert main(["doctor"]) == 1
    assert "pip install no-such-package" in capsys.readouterr().out


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """A folder of compiled programs with 2 MB in it, which hmlm would use."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("HMLM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("hmlm.infer.program_cache.reason_for_none", lambda: None)
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "one-cache").write_bytes(b"x" * 2_000_000)


def test_kept_programs_are_told_and_can_be_removed(kept, capsys):
    main(["doctor"])
    assert "2.0 MB in" in capsys.readouterr().out
    main(["doctor", "--clear-cache"])
    assert "removed 2.0 MB; 0.0 MB in" in capsys.readouterr().out.replace("│\n│                   │ ", "")


def test_a_folder_that_keeps_no_programs_is_a_warning(kept, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HMLM_CACHE_DIR", str(tmp_path / "programs" / "one-cache"))
    assert main(["doctor"]) == 0
    assert "set HMLM_CACHE_DIR" in capsys.readouterr().out
