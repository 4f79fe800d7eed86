"""The folder of compiled programs: found, bounded, without damaged entries."""

import os
import shutil
import sys
import zlib
from collections import namedtuple
from pathlib import Path

import pytest

from hmlm.infer import cache_folder
from hmlm.infer.cache_folder import clear, drop_damaged, kept_bytes, programs_folder, ready_folder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HMLM_CACHE_DIR", str(tmp_path / "own"))
    return tmp_path / "own"


def entry(folder: Path, name: str, content: bytes, used: int = 0) -> Path:
    path = folder / f"{name}-cache"
    path.write_bytes(content)
    if used:
        os.utime(path, (used, used))
    return path


@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/caches"}, Path("/caches/hmlm")),
        ("linux", {"HOME": "/people/me"}, Path("/people/me/.cache/hmlm")),
        ("darwin", {"HOME": "/people/me"}, Path("/people/me/Library/Caches/hmlm")),
        ("win32", {"LOCALAPPDATA": "/local"}, Path("/local/hmlm/Cache")),
        ("linux", {"HMLM_CACHE_DIR": "/scratch", "XDG_CACHE_HOME": "/caches"}, Path("/scratch")),
    ],
)
def test_every_system_has_its_folder(system, variables, expected, monkeypatch):
    monkeypatch.delenv("HMLM_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", system)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder.cache_folder() == expected


def test_machines_with_other_instructions_have_folders_of_their_own(monkeypatch):
    here = programs_folder()
    assert here == programs_folder()
    monkeypatch.setattr(cache_folder, "_instructions", lambda: "sse2")
    assert programs_folder() != here
    assert programs_folder().parent == here.parent


def test_the_folder_is_made_for_its_owner_alone(folder):
    made = ready_folder()
    assert made == programs_folder()
    assert made.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_none(folder, monkeypatch):
    folder.write_text("a file where the folder should be")
    assert ready_folder() is None
    monkeypatch.setenv("HMLM_CACHE_DIR", "~nobody-of-that-name/cache")
    assert ready_folder() is None


def test_a_full_disk_keeps_nothing(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**40, 2**40 - 2**20, 2**20))
    assert ready_folder() is None


def test_damaged_entries_are_removed_once_they_are_seen():
    made = ready_folder()
    whole = zlib.compress(bytes(range(256)) * 50)
    good, cut, empty = (
        entry(made, "a", whole),
        entry(made, "b", whole[:-7]),
        entry(made, "c", b""),
    )
    drop_damaged(made)
    assert (good.exists(), cut.exists(), empty.exists()) == (True, False, False)


def test_entries_that_were_looked_at_are_not_read_again(monkeypatch):
    made = ready_folder()
    entry(made, "old", b"not compressed by zlib", used=1_000_000_000)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"read {path} again"))
    drop_damaged(made)


def test_entries_used_longest_ago_leave_first(monkeypatch):
    made = ready_folder()
    monkeypatch.setattr(cache_folder, "MOST_BYTES", 250)
    old, newer, newest = (entry(made, str(year), b"x" * 100, used=year * 10**8) for year in (10, 11, 12))
    ready_folder()
    assert (old.exists(), newer.exists(), newest.exists()) == (False, True, True)


def test_clearing_says_what_went():
    entry(ready_folder(), "a", b"x" * 1000)
    assert kept_bytes() == 1000
    assert clear() == 1000
    assert kept_bytes() == 0
    assert clear() == 0
