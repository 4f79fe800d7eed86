"""CPU or GPU by a rule: its monotonicity, its words, and its launches against those of the compiler."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import pytest

from hmlm.infer import device
from hmlm.infer.device import AROUND, LAUNCHES, MARGIN, Work, choose, cpu_seconds, gpu_seconds, worthwhile
from hmlm.infer.settings import Settings
from hmlm.types import HmlmError

from .small_model import small_model

SNAPSHOT = json.loads((Path(__file__).parents[1] / "gpu" / "launches.json").read_text())
KINDS = {"m1": "statistics", "m2": "statistics", "m3": "outcomes", "m4": "statistics", "m5": "rows"}
SMALL, LARGE = Work(5e-6, 41), Work(100e-6, 116)


@pytest.mark.parametrize("kind", sorted(set(KINDS.values())))
def test_launches_are_the_most_that_the_compiler_made(kind):
    models = [model for model, own in KINDS.items() if own == kind]
    counted = [
        counts["kernels"]
        for programs in SNAPSHOT.values()
        for name, counts in programs.items()
        if any(name.startswith(f"gradient {model}, ") and "double" not in name for model in models)
    ]
    assert LAUNCHES[kind] == max(counted)


@pytest.mark.parametrize(("model", "gradients"), [("m1", 1), ("m5", 2)])
def test_a_step_launches_about_what_the_compiler_made(model, gradients):
    for programs in SNAPSHOT.values():
        counts = programs[f"leapfrog {model}, 64 chains"]
        made = counts["kernels"] + counts["copies"]
        assert 0.67 < (gradients * LAUNCHES[KINDS[model]] + AROUND) / made < 1.5


def test_few_chains_go_to_the_cpu_and_many_to_the_gpu():
    picks = [choose("auto", LARGE, chains, 2, gpu=True).platform for chains in (1, 4, 16, 64, 256)]
    assert picks[0] == "cpu"
    assert picks[-1] == "gpu"
    assert picks == sorted(picks)


@pytest.mark.parametrize("cores", [1, 4, 32])
@pytest.mark.parametrize("work", [SMALL, LARGE])
def test_worthwhile_is_where_the_gpu_wins_by_the_margin(work, cores):
    least = worthwhile(work, cores)
    assert choose("auto", work, cores * -(-least // cores), cores, gpu=True).platform == "gpu"
    below = cores * (least // cores - 1)
    assert below <= 0 or MARGIN * gpu_seconds(work, below) >= cpu_seconds(work, below, cores)


def test_with_enough_cores_a_gpu_never_wins():
    assert worthwhile(SMALL, 100) is None
    assert choose("auto", SMALL, 10_000, 100, gpu=True).platform == "cpu"


def test_it_says_why():
    assert choose("auto", SMALL, 4, 2, gpu=False).reason == "CPU: no GPU found"
    assert choose("cpu", SMALL, 4, 2, gpu=True).reason == "CPU: as asked"
    assert choose("auto", SMALL, 4, 2, gpu=True).reason == (
        "CPU: a step of 4 chains takes about 10 µs on 2 cores and 164 µs on a GPU, 164 µs of it for 41 "
        "launches (by a rule; never timed on a GPU)"
    )


def test_a_gpu_that_is_not_there_teaches():
    with pytest.raises(HmlmError, match="JAX finds no GPU.*cuda13.*device='auto'"):
        choose("gpu", SMALL, 4, 2, gpu=False)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="where there is no GPU")
def test_a_model_says_where_it_runs(monkeypatch):
    density = small_model().log_density
    assert device.pick_device(density, Settings()) == device.Picked("cpu", "CPU: no GPU found")
    assert "no GPU found, so it is the CPU" in device.device_line(density)
    assert device.device_line(density) in small_model().explain()
    monkeypatch.setattr(device, "has_gpu", lambda: True)
    many = Settings(chains=100_000, device="auto")
    assert (
        device.pick_device(density, many).platform
        == choose("auto", device.work_of(density), 100_000, device.available_cores(), gpu=True).platform
    )
    assert device.pick_device(density, Settings(devices=2)).reason == "CPU: the devices that were asked for"
