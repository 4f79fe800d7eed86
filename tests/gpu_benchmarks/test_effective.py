"""Time to 1 000 effective draws: the arithmetic, and which run is held against which."""

from __future__ import annotations

import pytest

import gpu_benchmarks.effective as effective
from gpu_benchmarks.effective import CACHES, HEADER, Request, effective_table, rows, seconds_to
from gpu_benchmarks.launch import Timed

from .tiny import SOURCE, run, table


def test_only_sampling_is_interpolated():
    timed = Timed(run(2.0), 30.0)
    ess = timed.measured.smallest_ess
    assert seconds_to(timed, ess) == pytest.approx(30.0)
    assert seconds_to(timed, 3 * ess) == pytest.approx(28.0 + 6.0)


def test_a_frozen_parameter_never_gets_there():
    frozen = run(1.0)
    frozen.draws["sigma"][:] = 1.0
    assert seconds_to(Timed(frozen, 30.0)) == float("inf")


def test_caches_in_the_same_state_are_held_against_each_other():
    walls = {("hmlm", "cold"): 10.0, ("hmlm", "warm"): 5.0, ("pymc", "cold"): 60.0, ("pymc", "warm"): 20.0}
    runs = {("m2", engine, cache): Timed(run(1.0), wall) for (engine, cache), wall in walls.items()}
    named = {(row[1], row[2]): dict(zip(HEADER, row, strict=True)) for row in rows(runs)}
    extra = seconds_to(Timed(run(1.0), 0.0))
    assert named["hmlm", "cold"]["hmlm × sooner"] is None
    for cache in CACHES:
        ratio = (walls["pymc", cache] + extra) / (walls["hmlm", cache] + extra)
        assert named["PyMC by hand, nutpie", cache]["hmlm × sooner"] == pytest.approx(ratio)


def test_the_cold_run_leaves_its_caches_to_the_warm_one(monkeypatch):
    folders = []

    def launch(engine, model, path, settings, folder):
        folders.append((engine, folder, sorted(p.name for p in folder.iterdir()), settings.seed))
        (folder / "cache").touch()
        return Timed(run(1.0), 5.0)

    monkeypatch.setattr(effective, "launch", launch)
    request = Request(SOURCE, ["m2"], ["hmlm", "numpyro"], 100, 100, 3)
    found, versions = effective_table(request, table())
    assert [row[2] for row in found.rows] == [*CACHES, *CACHES]
    assert [names for _, _, names, _ in folders] == [["table.npz"], ["cache", "table.npz"]] * 2
    assert len({folder for _, folder, _, _ in folders}) == 2
    assert {seed for *_, seed in folders} == {3}
    assert versions == {"numpy": "2"}
