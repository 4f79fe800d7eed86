"""The command line: what it refuses, and what it hands to the suites."""

from __future__ import annotations

import json

import pytest

import gpu_benchmarks.__main__ as command_line
import gpu_benchmarks.peers as peers
from gpu_benchmarks.__main__ import SAMPLED, app, main
from gpu_benchmarks.report import Report, Table
from gpu_benchmarks.suites import SUITES
from hmlm.types import DataError

from .tiny import MACHINE


@pytest.fixture
def requests(monkeypatch) -> list:
    """What the suite ``peers`` was asked for; nothing is measured."""
    asked = []

    def report(request):
        asked.append(request)
        return Report("peers", [Table("title", ("a", "b"), [(1, 2)], "meaning")], MACHINE)

    monkeypatch.setattr(command_line, "pin", lambda: None)
    monkeypatch.setattr(peers, "report", report)
    return asked


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        (["peers", "--models", "m1,m9"], "--models m1,m9: choose from m1,m2,m3,m4,m5"),
        (["peers", "--engines", "stan"], "--engines stan: choose from hmlm,numpyro,pymc,brms"),
        (["peers", "--warmup", "250"], "--warmup 250: a multiple of 100"),
        (["compile", "--draws", "0"], "--draws 0: a multiple of 100"),
        (["densities", "--models", ""], "choose from m1,m2,m3,m4,m5"),
        (["scaling", "--size", "huge"], "--size huge: choose from auto,tiny,cpu,gpu"),
        (["--suites", "speed"], "--suites speed: choose from densities,"),
    ],
)
def test_unknown_names_are_told_before_anything_runs(tokens, says, capsys, requests):
    assert main(tokens) == 2
    assert says in capsys.readouterr().err
    assert requests == []


def test_every_suite_is_a_command():
    assert set(SUITES) < set(app)


@pytest.mark.parametrize(("error", "status"), [(DataError("no such table"), 2), (ValueError("ours"), None)])
def test_errors_of_the_user_have_no_traceback(error, status, monkeypatch, capsys):
    def report(request):
        raise error

    monkeypatch.setattr(command_line, "pin", lambda: None)
    monkeypatch.setattr(peers, "report", report)
    if status is None:
        with pytest.raises(ValueError, match="ours"):
            main(["peers", "--size", "tiny"])
    else:
        assert main(["peers", "--size", "tiny"]) == status
        assert "no such table" in capsys.readouterr().err


def test_a_report_is_printed_and_written_in_both_forms(tmp_path, capsys, requests):
    assert main(["peers", "--size", "tiny", "--out", str(tmp_path / "new")]) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "new" / "peers.md").read_text() == printed
    assert json.loads((tmp_path / "new" / "peers.json").read_text())["tables"][0]["rows"] == [[1, 2]]


def test_options_change_the_size(requests):
    assert main(["peers", "--size", "cpu", "--data", "simulated:9x9", "--draws", "300"]) == 0
    (request,) = requests
    assert (request.data, tuple(request.models), request.warmup) == ("simulated:9x9", SAMPLED, 500)
    assert (request.draws["hmlm"], request.draws["numpyro"]) == (300, 150)


def test_everything_passes_its_options_on(monkeypatch):
    ran = {}
    monkeypatch.setattr(command_line, "run_all", lambda *given: ran.update(given=given) or ["flags"])
    assert main(["all", "--size", "tiny", "--models", "m1"]) == 1
    assert ran["given"] == (list(SUITES), ["--size", "tiny", "--models", "m1"], None)
