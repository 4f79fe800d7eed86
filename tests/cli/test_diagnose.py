"""``hmlm diagnose``."""

from __future__ import annotations

import pytest

import hmlm as hm
from hmlm.cli import main
from hmlm.datasets import simulate_cafes
from tests.fake_sampling import fake_sampling


@pytest.fixture
def saved(tmp_path, monkeypatch):
    with fake_sampling(monkeypatch):
        fit = hm.fit("wait ~ afternoon + (1 | cafe)", simulate_cafes(1, n_cafes=6, n_visits=8), draws=200)
    fit.save(tmp_path / "fit.nc")
    return fit, str(tmp_path / "fit.nc")


def test_it_prints_what_was_found(saved, capsys):
    fit, path = saved
    assert main(["diagnose", path]) == 0
    assert capsys.readouterr().out == f"{fit.diagnose()}\n"


def test_chains_on_request(saved, capsys):
    fit, path = saved
    assert main(["diagnose", path, "--chains"]) == 0
    printed = capsys.readouterr().out
    assert "ess_per_gradient" in printed and "chain" in printed


def test_a_file_that_is_missing(tmp_path, capsys):
    assert main(["diagnose", str(tmp_path / "no.nc")]) == 2
    assert "there is no file" in capsys.readouterr().err
