"""Emulated devices of one CPU, and two hosts on one machine, in processes of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def process(script: str, *arguments: object, devices: int | None = None) -> subprocess.Popen:
    """A Python that runs a script of this folder."""
    paths = os.pathsep.join([str(ROOT), str(HERE)])
    changed = {} if devices is None else {"JAX_NUM_CPU_DEVICES": str(devices)}
    environment = {**os.environ, "PYTHONPATH": paths, "JAX_PLATFORMS": "cpu", **changed}
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def finished(started: subprocess.Popen) -> str:
    """What it printed, once it has ended well."""
    out, errors = started.communicate(timeout=300)
    assert started.returncode == 0, errors[-3000:]
    return out.strip()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


def test_one_two_and_eight_devices():
    assert finished(process("eight_devices.py", devices=8)) == "checked"


@pytest.fixture(scope="module")
def two_hosts(tmp_path_factory) -> list[dict[str, np.ndarray]]:
    """The draws that each of two hosts got."""
    port, folder = free_port(), tmp_path_factory.mktemp("hosts")
    paths = [folder / f"{own}.npz" for own in range(2)]
    started = [process("two_hosts.py", port, own, path) for own, path in enumerate(paths)]
    assert [finished(one) for one in started] == ["checked", "checked"]
    return [dict(np.load(path)) for path in paths]


@pytest.mark.nightly
def test_every_host_gets_all_draws(two_hosts):
    for name, draws in two_hosts[0].items():
        np.testing.assert_array_equal(draws, two_hosts[1][name])


@pytest.mark.nightly
def test_two_hosts_draw_what_one_draws(two_hosts, tmp_path):
    finished(process("one_host.py", tmp_path / "one.npz", devices=4))
    alone = np.load(tmp_path / "one.npz")
    np.testing.assert_array_equal(two_hosts[0]["threads"], alone["threads"])
    np.testing.assert_array_equal(two_hosts[0]["spread"], alone["spread"])


HMLM = "import sys; from hmlm.cli import main; sys.exit(main(sys.argv[1:]))"
MODEL = "formula: y ~ x + (1 | g)\nsampling: {chains: 4, warmup: 100, draws: 50, seed: 3}\n"


@pytest.mark.nightly
def test_the_command_line_over_two_processes(tmp_path):
    """The first prints and saves; the CPU is cut into two devices for each."""
    rng = np.random.default_rng(1)
    rows = [f"{rng.normal():.4f},{rng.normal():.4f},{i % 8}" for i in range(80)]
    (tmp_path / "d.csv").write_text("\n".join(["y,x,g", *rows]) + "\n")
    (tmp_path / "model.yaml").write_text(MODEL)
    port = free_port()
    started = [command(tmp_path, f"localhost:{port}", own) for own in range(2)]
    first, second = (finished(one) for one in started)
    assert "Saved as" in first
    assert second == ""
    assert (tmp_path / "fit.nc").is_file()


def command(folder: Path, coordinator: str, own: int) -> subprocess.Popen:
    """``hmlm fit`` as one of two processes."""
    hosts = ["--coordinator", coordinator, "--processes", "2", "--process-id", str(own)]
    what = ["fit", folder / "model.yaml", "--data", folder / "d.csv", "--output", folder / "fit.nc"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", HMLM, *map(str, what), "--devices", "2", *hosts],
        env=environment,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


@pytest.mark.nightly
def test_a_host_that_is_killed_is_an_error_of_the_other():
    port = free_port()
    first, second = (process("lost_host.py", port, own) for own in range(2))
    second.communicate(timeout=100)
    assert second.returncode == -9
    said, _ = first.communicate(timeout=300)  # then JAX ends the process
    assert "host 1 has shown no sign of life for 5 seconds" in said
