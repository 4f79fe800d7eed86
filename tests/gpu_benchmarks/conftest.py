"""Double precision for what a suite sets in its own process."""

import jax
import pytest


@pytest.fixture
def double():
    """JAX in float64, as ``gpu_benchmarks.pinning`` sets it for a process."""
    with jax.enable_x64(True):
        yield
