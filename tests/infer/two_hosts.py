"""One of two processes on this machine: ``two_hosts.py PORT OWN``; each does every check."""

from __future__ import annotations

import sys

import jax
import numpy as np
from small_model import small_model

from hmlm.infer.driver import sample
from hmlm.infer.hosts import all_hosts, any_host, connect, first_host
from hmlm.infer.meeting import meet
from hmlm.infer.placement import place
from hmlm.infer.settings import Settings
from hmlm.infer.trees import as_before
from hmlm.types import HmlmError

SHORT = {"warmup": 100, "draws": 50, "seed": 3, "chunk": 50}


def drawn(**changed) -> np.ndarray:
    """(C, S, D) draws."""
    return sample(small_model().log_density, Settings(**{**SHORT, **changed})).draws.position


def check_they_hear_each_other(own: int) -> None:
    together = all_hosts()
    with together.together():
        found = together.gathered("x", {"a": np.arange(3) + 10 * own, "b": np.float64(own)})
    np.testing.assert_array_equal(found["a"], [[0, 1, 2], [10, 11, 12]])
    np.testing.assert_array_equal(found["b"], [0.0, 1.0])
    assert (together.own, together.count, first_host()) == (own, 2, own == 0)
    assert any_host(own == 1)
    assert not any_host(False)


def check_groups_of_all_hosts_meet(own: int) -> None:
    together = all_hosts()
    placement = place(4, None, hosts=together)
    assert (placement.groups, placement.own) == (2, slice(2 * own, 2 * own + 2))
    with together.together():
        mine = [jax.device_put(np.full(1, 10.0 * own + group, np.float32)) for group in range(2)]
        met = meet(together, placement, Pooled(), 100, mine)
    np.testing.assert_array_equal(met, [[mine[0][0] + 22], [mine[1][0] + 22]])


class Pooled:
    """Adds the sum of all groups' states to each."""

    def meet(self, states):
        total = sum(np.asarray(state) for state in states)
        return [as_before(state, np.asarray(state) + total) for state in states]


def check_failures_are_heard(own: int) -> None:
    together, heard = all_hosts(), None
    try:
        with together.together():
            if own == 1:
                raise KeyError("no such column")
            together.told("draws", 0)
    except (HmlmError, KeyError) as error:
        heard = str(error)
    assert "no such column" in heard
    assert ("host 1 of 2 failed" in heard) == (own == 0)


def check_disagreements_are_named(own: int) -> None:
    said = error_of(chains=2, seed=own)
    assert f"seed is {own} on host {own}" in said or "hosts disagree" in said


def check_chains_must_divide() -> None:
    assert "multiple of the 2 hosts: chains=4" in error_of(chains=3)


def error_of(**changed) -> str:
    """What a run that cannot be says."""
    try:
        drawn(**changed)
    except HmlmError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    port, own = sys.argv[1], int(sys.argv[2])
    jax.config.update("jax_num_cpu_devices", 2)
    connect(f"localhost:{port}", 2, own)
    assert (jax.device_count(), jax.local_device_count()) == (4, 2)
    check_they_hear_each_other(own)
    check_groups_of_all_hosts_meet(own)
    threads, spread = drawn(chains=4), drawn(chains=8, devices=2)
    np.savez(sys.argv[3], threads=threads, spread=spread)
    check_failures_are_heard(own)
    check_disagreements_are_named(own)
    check_chains_must_divide()
    print("checked")
