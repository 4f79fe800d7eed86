"""Rows of the table of log densities, and that every case is the model it says."""

from __future__ import annotations

import pytest

from gpu_benchmarks import densities
from gpu_benchmarks.backends import usable
from gpu_benchmarks.densities import (
    BY_HAND,
    HEADER,
    MORE,
    TREATMENTS,
    floors,
    hmlm_target,
    model_rows,
    stated,
)
from gpu_benchmarks.roofline import Core, Level
from gpu_benchmarks.timing import Timing, evaluations
from gpu_benchmarks.work import kernel_of

from .tiny import model, table

CORE = Core(1e9, (Level("memory", None, 1e9),))


def timings() -> dict[tuple[str, str], Timing]:
    """Of every case of one model, microseconds 1, 2, 3 ... and NumPyro's last."""
    labels = [*TREATMENTS.values(), MORE, BY_HAND]
    return {
        (label, backend): Timing(7, float(i + 1), 0.5)
        for i, label in enumerate(labels)
        for backend in (usable() if label != BY_HAND else ("xla",))
    }


def test_ratios_are_numpyros_time_over_ours():
    rows = {row[1]: dict(zip(HEADER, row, strict=True)) for row in model_rows("m4", timings())}
    assert [rows[label]["NumPyro by hand ×"] for label in TREATMENTS.values()] == [5.0, 2.5, 5 / 3]
    assert rows[MORE]["NumPyro by hand ×"] is None is rows[BY_HAND]["NumPyro by hand ×"]


def test_the_floor_is_of_the_default_treatment_and_its_time():
    kernel = kernel_of(model("m4").log_density)
    seconds = max(sum(kernel.bytes().values()), sum(kernel.operations().values())) / 1e9
    rows = floors(table(), {"m4": timings()}, CORE).rows
    assert [row[1] for row in rows] == list(usable())
    assert [row[-1] for row in rows] == pytest.approx([seconds / 1e-6] * len(rows))


def test_every_treatment_samples_what_it_says(double):
    sizes = {kind: hmlm_target("m4", table(), kind, "xla").start.size for kind in TREATMENTS}
    n_people = table()["id"].nunique()
    assert sizes["informed"] == sizes["noncentered"] == sizes["auto"] + n_people


def test_a_backend_is_an_argument_of_the_model(monkeypatch):
    monkeypatch.setattr(densities, "BACKENDS", {"xla": {}, "other": {"data_name": "elsewhere"}})
    assert stated("m4", table(), backend="other").data_name == "elsewhere"
    assert stated("m4", table(), backend="xla").data_name == stated("m4", table()).data_name == "data"


def test_the_target_is_the_models_density(double):
    target, one = hmlm_target("m1", table(), "auto", "xla"), model("m1").log_density
    value = evaluations(target.log_density, 1, one.initial, target.data)
    assert float(value) == pytest.approx(float(one(one.initial)))
