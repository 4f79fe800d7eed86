"""Rows of the table of peers from given runs."""

from __future__ import annotations

import numpy as np
import pytest

import gpu_benchmarks.engines as engines
import gpu_benchmarks.peers as peers
from gpu_benchmarks.engines import ENGINES
from gpu_benchmarks.launch import Timed
from gpu_benchmarks.measurement import largest_z, load, save
from gpu_benchmarks.peers import HEADER, Request, rows

from .tiny import SOURCE, run


def test_ratios_are_hmlms_figures_over_the_peers():
    runs = {("m1", "hmlm"): [run(1.0), run(1.0)], ("m1", "numpyro"): [run(10.0), run(10.0)]}
    ours, theirs = (dict(enumerate(row)) for row in rows(runs))
    sampling, everything = (i for i, name in enumerate(HEADER) if name == "hmlm ×")
    assert (ours[1], theirs[1]) == (ENGINES["hmlm"].label, ENGINES["numpyro"].label)
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


def test_an_absent_engine_is_a_line_and_not_a_row(monkeypatch, capsys):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    report = peers.report(Request(SOURCE, ["m1"], ["pymc"], 100, {"pymc": 100}, 1, 0))
    line = "PyMC is not measured: pymc and nutpie cannot be imported; pip install -e '.[peers]'"
    assert (report.tables[0].rows, report.tables[0].notes) == ([], [line])
    assert line in capsys.readouterr().err


def test_engines_run_one_after_another_with_their_own_draws_and_seeds(monkeypatch):
    asked = []

    def launch(engine, model, path, settings, folder):
        asked.append((engine, model, settings.draws, settings.seed))
        return Timed(run(1.0), 2.0)

    monkeypatch.setattr(peers, "launch", launch)
    kept = {"hmlm": 100, "numpyro": 50}
    report = peers.report(Request(SOURCE, ["m1"], ["hmlm", "numpyro"], 100, kept, 2, 7))
    expected = [("hmlm", 100, 7), ("hmlm", 100, 8), ("numpyro", 50, 7), ("numpyro", 50, 8)]
    assert asked == [(engine, "m1", draws, seed) for engine, draws, seed in expected]
    assert [row[1] for row in report.tables[0].rows] == ["hmlm", "NumPyro by hand"]
    assert report.machine.versions["numpy"] == "2"
