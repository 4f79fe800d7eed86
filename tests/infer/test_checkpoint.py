"""A run on disk goes on to the draws that it would have given, and says which file is wrong."""

from __future__ import annotations

import errno
import shutil
import subprocess
from pathlib import Path

import jax
import numpy as np
import pytest

from hmlm.infer import driver
from hmlm.infer.checkpoint import parts, stream, whole
from hmlm.infer.checkpoint.folder import DRAWS, STATE, Folder
from hmlm.infer.checkpoint.lock import locked
from hmlm.infer.checkpoint.parts import DamagedError, ForeignError, FullDiskError, read_part, write_part
from hmlm.infer.driver import sample
from hmlm.infer.run import Run
from hmlm.infer.settings import Settings
from hmlm.types import CheckpointWarning, HmlmError

from .small_model import small_model

SETTINGS = Settings(chains=2, warmup=100, draws=100, seed=3, chunk=10, thin=4)
ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.ones(3, bool)}


@pytest.fixture(scope="module")
def run() -> Run:
    return sample(small_model().log_density, SETTINGS)


@pytest.fixture(autouse=True)
def part_by_part(monkeypatch):
    """Every call is a part."""
    monkeypatch.setattr(stream, "SECONDS", 0.0)


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path, "this run")


@pytest.fixture(scope="module")
def stopped_folder(tmp_path_factory):
    """A run that was stopped after the draws of five calls, none of them whole groups of thinned draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "SECONDS", 0.0)
        folder = Folder(tmp_path_factory.mktemp("stopped"), "this run")
        stop(patch, folder, draws=50)
    return folder


@pytest.fixture
def stopped(stopped_folder, folder) -> Folder:
    """A copy of it."""
    shutil.copytree(stopped_folder.path, folder.path, dirs_exist_ok=True)
    return folder


class Killed(BaseException):
    """What no one catches, as a kill."""


def stop(monkeypatch, folder: Folder, draws: int, error: type[BaseException] = Killed) -> None:
    """Sample until so many draws after warm-up."""
    shown = driver.ProgressBar.update

    def update(self, completed, **how):
        shown(self, completed, **how)
        if completed >= SETTINGS.warmup + draws:
            raise error

    with monkeypatch.context() as patch, pytest.raises(error):
        patch.setattr(driver.ProgressBar, "update", update)
        resumed(folder)


def resumed(folder: Folder) -> Run:
    return sample(small_model().log_density, SETTINGS, checkpoint=folder)


def assert_equal(one: Run, other: Run) -> None:
    for name, leaf, wanted in zip(one.draws._fields, one.draws, other.draws, strict=True):
        np.testing.assert_array_equal(leaf, wanted, err_msg=name)
    np.testing.assert_array_equal(one.longest, other.longest)


# --- going on -------------------------------------------------------------------------------------


def test_a_run_on_disk_is_the_run_in_memory(run, folder):
    assert_equal(resumed(folder), run)
    assert sorted(path.name for path in folder.path.iterdir()) == [".lock", "draws", "finished.json"]
    assert_equal(resumed(folder), run)  # read, not sampled


def test_it_goes_on_from_any_draw(run, folder, monkeypatch):
    for draws in (-95, -45, 0, 10, 70):
        stop(monkeypatch, folder, draws)
    assert_equal(resumed(folder), run)


def test_ctrl_c_leaves_draws_and_a_run_to_go_on_with(run, folder, monkeypatch):
    def update(self, completed, **how):
        if completed == SETTINGS.warmup + 50:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(driver.ProgressBar, "update", update)
        stopped = resumed(folder)
    assert stopped.interrupted
    np.testing.assert_array_equal(stopped.draws.position, run.draws.position[:, : 50 // SETTINGS.thin])
    assert_equal(resumed(folder), run)
    assert stopped.draws.lp.shape == (2, 50 // SETTINGS.thin)  # still there


def test_ctrl_c_in_warm_up_leaves_a_state(run, folder, monkeypatch):
    stop(monkeypatch, folder, draws=-40, error=KeyboardInterrupt)
    assert folder.done() >= SETTINGS.warmup - 40
    assert_equal(resumed(folder), run)


def test_states_do_not_pile_up(stopped):
    assert len(stopped.numbers(STATE)) == 2 and len(stopped.numbers(DRAWS)) == 5


def test_draws_are_read_from_disk_as_they_are_looked_at(run, folder):
    position = resumed(folder).draws.position
    assert isinstance(position, np.memmap) and not position.flags.writeable


def test_one_process_at_a_time(folder):
    with locked(folder.path), pytest.raises(HmlmError, match="another process"):
        resumed(folder)


# --- parts that are wrong -------------------------------------------------------------------------


def last(folder: Folder, kind: str) -> Path:
    return folder.part(kind, folder.numbers(kind)[-1])


@pytest.mark.parametrize("kind", [DRAWS, STATE])
@pytest.mark.parametrize("harm", ["cut short", "changed", "other contents", "empty"])
def test_a_damaged_last_part_is_sampled_again(run, stopped, kind, harm):
    damage(last(stopped, kind), harm)
    with pytest.warns(CheckpointWarning, match=f"{kind}-0000.* is damaged.*going on from the moment before"):
        found = resumed(stopped)
    assert_equal(found, run)


def test_a_missing_last_part_is_sampled_again(run, stopped):
    damage(last(stopped, DRAWS), "missing")
    with pytest.warns(CheckpointWarning, match="draws-0000.*is missing"):
        found = resumed(stopped)
    assert_equal(found, run)


def test_draws_without_their_state_are_sampled_again(run, stopped):
    damage(last(stopped, STATE), "missing")  # as after a kill between the two
    assert_equal(resumed(stopped), run)


def damage(path: Path, harm: str) -> None:
    contents = path.read_bytes()
    changed = bytearray(contents)
    changed[len(contents) // 2] ^= 1
    if harm == "missing":
        path.unlink()
    else:
        kinds = {
            "cut short": contents[:-30],
            "changed": bytes(changed),
            "other contents": b"abc",
            "empty": b"",
        }
        path.write_bytes(kinds[harm])


@pytest.mark.parametrize("harm", ["cut short", "changed", "missing", "other contents"])
def test_a_damaged_part_in_the_middle_is_named(stopped, harm):
    damage(stopped.part(DRAWS, 2), harm)
    with pytest.raises(DamagedError, match="draws-000002.npz' is (damaged|missing)"):
        resumed(stopped)
    assert len(stopped.numbers(STATE)) == 2  # nothing was removed


def test_both_states_damaged_is_an_error_once_there_are_draws(stopped):
    for number in stopped.numbers(STATE):
        damage(stopped.part(STATE, number), "changed")
    with pytest.raises(DamagedError, match="state-0000.*no other state goes on"):
        resumed(stopped)


def test_a_part_of_another_run_is_named(stopped, tmp_path):
    other = Folder(stopped.path, "another run")
    arrays, facts = read_part(last(stopped, STATE), stopped.run)
    write_part(last(stopped, STATE), other.run, arrays, {**facts, "run": None})
    with pytest.raises(ForeignError, match=r"state-0000.*another run"):
        resumed(stopped)


def test_a_part_under_another_name_is_named(stopped):
    shutil.copy(stopped.part(DRAWS, 1), stopped.part(DRAWS, 3))
    with pytest.raises(ForeignError, match=r"draws-000003.npz' is 'draws-000001.npz' under another name"):
        resumed(stopped)


def test_states_of_another_program_are_refused(stopped):
    with pytest.raises(DamagedError, match="another program"):
        sample(small_model().log_density, Settings(chains=3, warmup=100, draws=100), checkpoint=stopped)


def test_a_finished_run_notices_damage(folder):
    resumed(folder)
    path = folder.path / "draws" / "lp.npy"
    damage(path, "changed")
    with pytest.raises(DamagedError, match="lp.npy' is damaged"):
        resumed(folder)


def test_no_pickle(folder):
    part = folder.part(STATE, 1)
    np.savez(part, facts=np.array([{"code": "to run"}], dtype=object))
    with pytest.raises(DamagedError):
        read_part(part, folder.run)


def test_parts_come_back_as_they_were(folder):
    write_part(folder.part(STATE, 1), folder.run, ARRAYS, {"done": 3})
    arrays, facts = read_part(folder.part(STATE, 1), folder.run)
    jax.tree.map(np.testing.assert_array_equal, arrays, ARRAYS)
    assert facts["done"] == 3


# --- a full disk ----------------------------------------------------------------------------------


class Disk:
    """A disk that is full after so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def open(self, path: Path):
        return FullFile(path.open("wb"), self)


class FullFile:
    """A file on it."""

    def __init__(self, file, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def write(self, data) -> int:
        n = memoryview(data).nbytes
        if n > self._disk.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._disk.room -= n
        return self._file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self._file.close()

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [0, 100, 20_000, 60_000, 100_000, 140_000])
def test_a_full_disk_stops_cleanly_and_loses_nothing(run, folder, monkeypatch, room):
    disk = Disk(room)
    with monkeypatch.context() as patch:
        for module in (parts, whole):
            patch.setattr(module, "open_new", disk.open)
        with pytest.raises(FullDiskError, match=r"no space left .* takes .* are free.*hm\.resume"):
            resumed(folder)
    assert not [path.name for path in folder.path.iterdir() if path.name.endswith(".part")]
    before = folder.done()
    assert room < 60_000 or before > 0
    assert_equal(resumed(folder), run)


def test_a_disk_too_small_is_told_before_anything_is_sampled(folder, monkeypatch):
    monkeypatch.setattr("hmlm.infer.room.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(HmlmError, match="the run takes .* there, and 0.0 kB are free"):
        resumed(folder)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a megabyte, where the tests may mount one."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root mounts file systems")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.nightly
@pytest.mark.parametrize("room", [10_000, 60_000, 120_000])
def test_a_disk_that_really_is_full(run, small_disk, monkeypatch, room):
    folder, filling = Folder(small_disk, "this run"), small_disk / ".filling"
    filling.write_bytes(bytes(shutil.disk_usage(small_disk).free - room))
    monkeypatch.setattr(driver, "check_disk", lambda *_: None)
    with pytest.raises(FullDiskError):
        resumed(folder)
    filling.unlink()
    assert_equal(resumed(folder), run)
