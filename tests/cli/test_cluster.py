"""``hmlm fit`` of several processes: which options belong together, and when SLURM decides."""

from __future__ import annotations

import pytest

from hmlm.cli.cluster import SLURM_STEP, join_hosts
from hmlm.infer import hosts
from hmlm.types import HmlmError


@pytest.fixture
def connected(monkeypatch) -> list[tuple]:
    """What was connected with; nobody else is there."""
    calls = []
    monkeypatch.setattr(hosts, "connect", lambda *given: calls.append(given))
    for name in (*SLURM_STEP, "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    return calls


def in_step(monkeypatch, tasks: int) -> None:
    for name in SLURM_STEP:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", str(tasks))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("node1:1234", None, None), "--processes and --process-id missing"),
        ((None, 2, 0), "--coordinator missing"),
        (("node1", 2, 0), "--coordinator node1: host and port"),
        (("node1:1234", 2, 2), "--process-id 2: from 0 to 1"),
    ],
)
def test_options_that_do_not_add_up_are_told(given, says, connected):
    with pytest.raises(HmlmError, match=says):
        join_hosts(*given)
    assert connected == []


def test_alone_by_default(connected, monkeypatch):
    assert join_hosts(None, None, None)
    in_step(monkeypatch, tasks=1)
    assert join_hosts(None, None, None)
    assert connected == []


def test_all_three_connect(connected):
    assert join_hosts("node1:1234", 2, 0)
    assert connected == [("node1:1234", 2, 0)]


def test_a_step_of_several_tasks_connects_unless_told_not_to(connected, monkeypatch):
    in_step(monkeypatch, tasks=4)
    assert join_hosts(None, 1, None)
    assert connected == []
    assert join_hosts(None, None, None)
    assert connected == [(None, None, None)]
