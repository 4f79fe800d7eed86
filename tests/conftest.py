"""Compiled programs are kept between runs: compiling is most of what these tests wait for."""

import os
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".jax-cache"

# As environment variables: they reach the command line's subprocesses, and nothing imports JAX for them.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

# arviz 1 leaves numpyro to load at first use, and `import numpyro.x` then runs it twice: load it whole, now.
from numpyro import distributions  # noqa: E402, F401
