"""The constraints: every package of an image is pinned, to a version that pyproject.toml allows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .dockerfile import FOLDER, NAMES, ROOT, read

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TEXT = (FOLDER / "constraints.txt").read_text(encoding="utf-8")
PINS = dict(line.split("==") for line in TEXT.splitlines() if not line.startswith("#"))


def wanted() -> list[str]:
    """What the images ask for: the package's requirements, its build's, the notebook server's."""
    project = PYPROJECT["project"]
    extras = [line for extra in ("cuda12", "cuda13") for line in project["optional-dependencies"][extra]]
    installs = [step.words[2:] for step in read(NAMES[0]).stages["notebook"].steps if step.words[0] == "pip"]
    return [*project["dependencies"], *extras, *PYPROJECT["build-system"]["requires"], *sum(installs, [])]


@pytest.mark.parametrize("requirement", wanted())
def test_a_requirement_is_pinned_to_an_allowed_version(requirement):
    parsed = Requirement(requirement)
    assert parsed.specifier.contains(PINS[canonicalize_name(parsed.name)])


def test_jax_and_its_plugins_are_of_one_version():
    parts = [f"jax-cuda{v}-{part}" for v in (12, 13) for part in ("plugin", "pjrt")]
    assert {PINS[name] for name in ("jaxlib", *parts)} == {PINS["jax"]}


def test_they_are_for_the_python_of_the_images():
    python = re.search(r"for Python (\S+),", TEXT.splitlines()[0])[1]
    assert {read(name).stages["base"].base.split("-")[0].rpartition(".")[0] for name in NAMES} == {
        f"python:{python}"
    }


def test_no_file_names_a_registry():
    for path in FOLDER.iterdir():
        if path.is_file():
            assert not re.search(r"://|index-url|find-links", path.read_text(encoding="utf-8")), path.name


def test_the_script_turns_a_resolution_into_constraints():
    names = [("Zarr_Thing", "2.0"), ("hmlm", "0.1.0"), ("absl.py", "1.0")]
    report = {
        "pip_version": "24.2",
        "environment": {"python_version": "3.13", "sys_platform": "linux", "platform_machine": "x86_64"},
        "install": [{"metadata": {"name": name, "version": version}} for name, version in names],
    }
    script = [sys.executable, FOLDER / "constraints.py"]
    done = subprocess.run(script, input=json.dumps(report), capture_output=True, text=True, check=True)
    first, *pins = done.stdout.splitlines()
    assert first.startswith("# Chosen by pip 24.2 for Python 3.13, linux x86_64")
    assert pins == ["absl-py==1.0", "zarr-thing==2.0"]
