"""``python -m tests.gpu.wheels``: what to install, without dependencies, to compile for a GPU.

The plugin has to be of jaxlib's own version, whichever that is; its compiler's other parts may be any.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def requirements() -> list[str]:
    """The extra ``gpu-compile``, JAX's wheels pinned."""
    names = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]["gpu-compile"]
    return [f"{name}=={version('jaxlib')}" if name.startswith("jax-") else name for name in names]


if __name__ == "__main__":
    print(*requirements())
