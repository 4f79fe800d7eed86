"""SIGKILL at any moment: the run that goes on gives the draws of one that nobody killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import hmlm as hm

from ..nights import by_night

pytestmark = [
    pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning"),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here"),
]

SETTINGS = {"chains": 2, "warmup": 200, "draws": 20_000, "seed": 8, "thin": 10}
SCRIPT = """
import sys
from hmlm.infer.checkpoint import stream
from tests.api.test_kills import SETTINGS, model
stream.SECONDS = 0.02
model().fit(checkpoint=sys.argv[1], **SETTINGS)
"""
KILLS = 20


def model() -> hm.Model:
    """Effects on the mean and on sigma: some are integrated out, others sampled."""
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(12), 6)
    mean, log_sigma = rng.normal(size=12), 0.4 * rng.normal(size=12)
    y = mean[group] + np.exp(log_sigma[group]) * rng.normal(size=72)
    return hm.model(hm.bf("y ~ 1 + (1 |c| g)", sigma="~ 1 + (1 |c| g)"), {"y": y, "g": group})


@pytest.fixture(scope="module")
def uninterrupted() -> hm.Fit:
    return model().fit(**SETTINGS)


@pytest.mark.parametrize("kill", by_night(range(KILLS), 0, 1))
def test_a_killed_run_goes_on_to_the_same_draws(uninterrupted, tmp_path, kill):
    path = tmp_path / "run"
    kill_at_random(path, np.random.default_rng((99, kill)), late=kill % 2 == 1)
    assert not (path / "finished.json").exists(), "it was killed too late to show anything"
    fit = hm.resume(path)
    xr.testing.assert_equal(fit.posterior, uninterrupted.posterior)
    xr.testing.assert_equal(fit.sample_stats, uninterrupted.sample_stats)
    xr.testing.assert_equal(fit["r_g__sigma"], uninterrupted["r_g__sigma"])


def kill_at_random(path: Path, rng: np.random.Generator, late: bool) -> None:
    """Kill a process that samples into a folder some time after its first state, ``late`` after draws."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path)], env=environment, cwd=root)
    try:
        wait_for(path, "draws-*.npz" if late else "state-*.npz", process)
        time.sleep(rng.uniform(0.0, 0.15))
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(path: Path, pattern: str, process: subprocess.Popen) -> None:
    for _ in range(60_000):
        if any(path.glob(pattern)):
            return
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    raise AssertionError("no part in two minutes")
