"""Rows of the table of peers from given runs, and the command line around them."""

from __future__ import annotations

import numpy as np
import pytest

import gpu_benchmarks.__main__ as command_line
import gpu_benchmarks.peers as peers
from gpu_benchmarks.__main__ import main
from gpu_benchmarks.measurement import Measurement, Seconds, Settings, largest_z, load, save
from gpu_benchmarks.peers import HEADER, LABELS, Request, environment, rows
from hmlm.types import DataError


def run(seconds: float, seed: int = 0, shift: float = 0.0) -> Measurement:
    """2 parameters x 400 independent draws; sampling took so many seconds, set-up and warm-up ten times."""
    draws = np.random.default_rng(seed).normal(shift, 1, (2, 400))
    return Measurement(
        settings=Settings(100, 400, seed),
        seconds=Seconds(9 * seconds, seconds, seconds, 11 * seconds),
        leapfrogs=7.0,
        divergences=1,
        draws={"b_x": draws[0], "sigma": draws[1]},
        versions={"numpy": "2"},
    )


def test_ratios_are_hmlms_figures_over_the_peers():
    runs = {("m1", "hmlm"): [run(1.0), run(1.0)], ("m1", "numpyro"): [run(10.0), run(10.0)]}
    ours, theirs = (dict(enumerate(row)) for row in rows(runs))
    sampling, everything = (i for i, name in enumerate(HEADER) if name == "hmlm ×")
    assert (ours[1], theirs[1]) == (LABELS["hmlm"], LABELS["numpyro"])
    assert ours[sampling] is None
    assert theirs[sampling] == pytest.approx(10.0)
    assert theirs[everything] == pytest.approx(10.0)
    assert ours[sampling - 1] == pytest.approx(run(1.0).smallest_ess)
    assert [theirs[HEADER.index(name)] for name in ("divergences", "largest z")] == [2, 0.0]


def test_largest_z_is_in_standard_errors():
    same, other = [run(1.0, seed=1)], [run(1.0, seed=2)]
    assert largest_z(same, other) < 4
    assert largest_z(same, [run(1.0, seed=2, shift=1.0)]) == pytest.approx(np.sqrt(400 / 2), rel=0.25)


def test_a_frozen_parameter_counts_as_no_effective_draws():
    frozen = run(1.0)
    frozen.draws["sigma"][:] = 1.0
    assert frozen.smallest_ess == 0.0


def test_a_frozen_peer_has_no_ratio():
    frozen = run(1.0)
    frozen.draws["sigma"][:] = 1.0
    _, theirs = rows({("m1", "hmlm"): [run(1.0)], ("m1", "numpyro"): [frozen]})
    assert theirs[HEADER.index("hmlm ×")] is None


def test_runs_come_back_from_their_files(tmp_path):
    written = run(0.5)
    save(written, tmp_path / "run.npz")
    read = load(tmp_path / "run.npz")
    np.testing.assert_equal(read.draws, written.draws)
    assert (read.settings, read.seconds, read.versions) == (
        written.settings,
        written.seconds,
        written.versions,
    )


def test_caches_of_every_engine_are_in_the_folder(tmp_path):
    names = ("JAX_COMPILATION_CACHE_DIR", "PYTENSOR_FLAGS", "NUMBA_CACHE_DIR")
    assert all(str(tmp_path) in environment(tmp_path)[name] for name in names)


def test_peers_says_so_where_pymc_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    monkeypatch.setattr(peers.hm, "load_dataset", lambda name: None, raising=False)
    report = peers.report(Request(["m1"], ["pymc"], 100, {"pymc": 100}, 1, 0))
    line = "PyMC is not measured: pymc and nutpie cannot be imported; pip install -e '.[peers]'"
    assert line in report.splitlines()
    assert line in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        (["peers", "--models", "m1,m9"], "--models m1,m9: choose from m1,m2,m3,m4,m5"),
        (["peers", "--engines", "stan"], "--engines stan: choose from hmlm,numpyro,pymc"),
        (["densities", "--models", ""], "choose from m1,m2,m3,m4,m5"),
    ],
)
def test_unknown_names_are_told_before_anything_runs(tokens, says, capsys):
    assert main(tokens) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(("error", "status"), [(DataError("no such table"), 2), (ValueError("ours"), None)])
def test_errors_of_the_user_have_no_traceback(error, status, monkeypatch, capsys):
    def report(request):
        raise error

    monkeypatch.setattr(command_line, "pin", lambda: None)
    monkeypatch.setattr(peers, "report", report)
    if status is None:
        with pytest.raises(ValueError, match="ours"):
            main(["peers"])
    else:
        assert main(["peers"]) == status
        assert "no such table" in capsys.readouterr().err


def test_the_table_goes_to_a_file_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command_line, "pin", lambda: None)
    monkeypatch.setattr(peers, "report", lambda request: " ".join(request.models))
    assert main(["peers", "--models", "m1,m4", "--out", str(tmp_path / "peers.md")]) == 0
    assert (tmp_path / "peers.md").read_text() == capsys.readouterr().out == "m1 m4\n"
