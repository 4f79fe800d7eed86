"""Where chains go: what is asked for, what there is, and what the errors say."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from hmlm.infer.hosts import Hosts, nearest_multiple
from hmlm.infer.parallel import as_numbers, number_needed
from hmlm.infer.placement import available_cores, place
from hmlm.infer.settings import Settings
from hmlm.results.plain import decode, to_json
from hmlm.types import HmlmError

pytestmark = pytest.mark.skipif(jax.default_backend() != "cpu", reason="CPU placements")


@pytest.mark.parametrize("devices", [None, 1, [0]])
def test_one_cpu_device_has_a_thread_per_core(devices):
    placement = place(6, devices)
    assert (placement.groups, placement.chains, placement.mesh) == (6, 1, None)
    assert placement.workers == min(6, available_cores())


def test_one_cpu_device_may_vmap():
    placement = place(6, None, "shard_map")
    assert (placement.groups, placement.chains, placement.mesh, placement.pmap) == (1, 6, None, False)
    assert place(6, None, "pmap").pmap


def test_hosts_have_their_own_part():
    placement = place(6, None, hosts=Hosts(3, 2))
    assert (placement.groups, placement.own) == (2, slice(4, 6))
    assert place(6, None, "shard_map", hosts=Hosts(3, 1)).own == slice(2, 4)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((99, 99), "but JAX sees .*hmlm fit --devices 99.*JAX_NUM_CPU_DEVICES=99"),
        ((99, [0, 98]), "JAX_NUM_CPU_DEVICES=99"),
        ((7, None, "auto", None, Hosts(2, 0)), "chains=7 must be a multiple of the 2 hosts: chains=8"),
    ],
)
def test_what_cannot_be_placed_teaches(arguments, says):
    with pytest.raises(HmlmError, match=says):
        place(*arguments)


@pytest.mark.parametrize(("number", "of", "nearest"), [(7, 2, 8), (9, 8, 8), (1, 8, 8), (13, 8, 16)])
def test_the_nearest_multiple(number, of, nearest):
    assert nearest_multiple(number, of) == nearest


def test_devices_of_jax_are_numbers_of_a_platform():
    assert as_numbers(jax.devices()[0]) == ((0,), "cpu")
    assert as_numbers(jax.devices()[:1]) == ((0,), "cpu")
    assert as_numbers(3) == (3, None)
    assert as_numbers([0, 1]) == ([0, 1], None)
    with pytest.raises(HmlmError, match="of one kind and of this host"):
        as_numbers([jax.devices()[0], 1])


@pytest.mark.parametrize(
    ("devices", "needed"), [(None, 1), (2, 2), ([0, 3], 4), ("two", 1), ([], 1), (-1, -1)]
)
def test_how_many_devices_the_cpu_is_cut_into(devices, needed):
    assert number_needed(devices) == needed


@pytest.mark.parametrize("devices", [None, 4, (0, 2)])
def test_settings_come_back_from_a_file(devices):
    settings = Settings(devices=devices, parallel="pmap", device="cpu")
    assert decode(Settings, json.loads(to_json(settings))) == settings


@pytest.mark.parametrize("devices", [[], [0, 0], [-1], "two", [0.5], True])
def test_devices_are_a_number_or_different_numbers(devices):
    with pytest.raises(HmlmError, match=r"devices=.*jax.devices\(\)\[:2\]"):
        Settings(devices=devices)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("parallel", "pmapp", "did you mean 'pmap'"), ("device", "cuda", "choose one of auto, cpu, gpu")],
)
def test_unknown_words_are_told(name, value, says):
    with pytest.raises(HmlmError, match=says):
        Settings(**{name: value})


def test_one_host_hears_itself():
    (told,) = Hosts().told("x", {"a": 1.5})
    assert told["a"] == 1.5
    np.testing.assert_array_equal(Hosts().gathered("x", np.arange(3)), [[0, 1, 2]])
