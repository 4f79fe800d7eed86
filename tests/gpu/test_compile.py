"""Compiled for an H100: launches, memory, and nothing in the machine code that should not be there.

Run by ``make test-gpu-compile``, which installs the compiler. No GPU is here: see ``docs/gpu.md``.
"""

from importlib.metadata import version

import jax
import numpy as np
import pytest

from gpu_benchmarks.hlo import collectives, whole_program

from . import measured
from .h100 import compile_for_h100, h100s, split
from .measured import CHAINS, GRADIENTS, compiled_chunk, compiled_gradient, compiled_over, snapshot

pytestmark = [
    pytest.mark.gpu_compile,
    pytest.mark.skipif(not measured.has_compiler(), reason="no CUDA plugin: run `make test-gpu-compile`"),
]

# The most launches per gradient, everything included: what was reached. docs/gpu.md says what was aimed at.
LIMITS = {"m1": 17, "m2": 21, "m3": 40, "m4": 18, "m5": 48, "m4 pallas": 14, "m5 pallas": 32}


@pytest.mark.parametrize("name,chains", GRADIENTS)
def test_gradient_is_as_in_the_snapshot(name, chains):
    check(f"gradient {name}, {chains} chains", measured.of_gradient(name, chains))


@pytest.mark.parametrize("name", measured.DOUBLE)
def test_gradient_in_double_precision_is_as_in_the_snapshot(name):
    check(f"gradient {name}, 64 chains, double", measured.of_gradient(name, 64, np.float64))


@pytest.mark.parametrize("name", measured.SAMPLED)
def test_leapfrog_is_as_in_the_snapshot(name):
    check(f"leapfrog {name}, {measured.SAMPLED_CHAINS} chains", measured.of_leapfrog(name))


def check(program: str, found: dict[str, int]) -> None:
    """Equal for a jaxlib that the snapshot knows; no more than any had for others."""
    expected = snapshot()[program]
    if version("jaxlib") in measured.known():
        assert found == expected
    else:
        assert {what: n for what, n in found.items() if n > expected[what]} == {}


@pytest.mark.parametrize("name", LIMITS)
def test_launches_stay_within_their_limit(name):
    counts = [whole_program(compiled_gradient(name, chains).hlo).count.kernels for chains in CHAINS]
    assert max(counts) <= LIMITS[name], dict(zip(CHAINS, counts, strict=True))


@pytest.mark.parametrize("name,chains", GRADIENTS)
def test_gradient_has_no_compare_and_swap_no_tf32_and_no_library_call(name, chains):
    compiled = compiled_gradient(name, chains)
    assert_clean(compiled)
    ours = ("mosaic_gpu_v2",) if name.endswith("pallas") else ()
    assert whole_program(compiled.hlo).count.calls == ours


@pytest.mark.parametrize("name", measured.SAMPLED)
def test_sampling_has_no_compare_and_swap_and_no_tf32(name):
    assert_clean(compiled_chunk(name))


def assert_clean(compiled) -> None:
    """No atomic additions by compare and swap (jax#38806), no products of 10 bits."""
    assert compiled.ptx
    assert not [text for text in compiled.ptx if "cas.b32" in text]
    assert not [text for text in compiled.ptx if "tf32" in text]


@pytest.mark.parametrize("name", ["m1", "m2", "m4"])
def test_no_kernel_spills_registers(name):
    assert compiled_gradient(name, 1024).spilled() == 0


def test_sampling_on_eight_gpus_talks_to_no_other():
    compiled = compiled_over("m4", 8)
    assert collectives(compiled.hlo) == []


def test_a_sum_over_gpus_would_be_found():
    mesh = h100s(8)
    spec = jax.sharding.PartitionSpec("chains")
    added = jax.shard_map(
        lambda x: jax.lax.psum(x, "chains"), mesh=mesh, in_specs=spec, out_specs=jax.sharding.PartitionSpec()
    )
    compiled = compile_for_h100(added, split(np.zeros((8, 3), np.float32), 8))
    assert collectives(compiled.hlo)
