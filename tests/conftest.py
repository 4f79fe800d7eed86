"""Compiled programs are kept between runs: compiling is most of what these tests wait for."""

import os
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".jax-cache"

# As environment variables: they reach the command line's subprocesses, and nothing imports JAX for them.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

# arviz 1 leaves numpyro to load at first use, and `import numpyro.x` then runs it twice: load it whole, now.
import gc  # noqa: E402

import jax  # noqa: E402
import pytest  # noqa: E402
from numpyro import distributions  # noqa: E402, F401

MAPS = Path("/proc/self/maps")
MANY_MAPS = 25_000  # of the 65 530 that Linux gives a process


@pytest.fixture(scope="module", autouse=True)
def room_for_programs():
    """Every executable takes some of a process's memory maps; one that runs out of them crashes in XLA."""
    yield
    if MAPS.exists() and MAPS.read_bytes().count(b"\n") > MANY_MAPS:
        from hmlm.infer.program import forget_programs

        forget_programs()
        jax.clear_caches()
        gc.collect()
