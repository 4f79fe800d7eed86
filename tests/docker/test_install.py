"""The images' install steps, run in clean virtual environments; for CUDA pip resolves without installing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .container import Container
from .dockerfile import read
from .test_constraints import PINS
from .test_dockerfiles import IGNORED, PROJECT

pytestmark = pytest.mark.nightly

FIT = """
import hmlm as hm
from hmlm.datasets.cafes import CAFES_FORMULA, simulate_cafes
print(hm.__file__, hm.fit(CAFES_FORMULA, simulate_cafes(1), algorithm="ml").params["b_Intercept"])
"""


def interpreter(version: str) -> Path:
    """A Python of that minor version, that of the tests or the one on the path."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    for program in filter(None, (sys.executable, shutil.which(f"python{version}"))):
        done = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return Path(program)
    pytest.skip(f"the images have Python {version}: make nightly PYTHON=python{version} VENV=.venv-{version}")


def container(root: Path, **options) -> Container:
    image = read("Dockerfile.cpu").stages["base"].base
    version = image.removeprefix("python:").rsplit("-")[0].rpartition(".")[0]
    return Container(root, interpreter(version), IGNORED, **options)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Every stage of Dockerfile.cpu, carried out."""
    made = container(tmp_path_factory.mktemp("cpu"))
    dockerfile = read("Dockerfile.cpu")
    made.build(list(dockerfile.stages.values()), dockerfile.args)
    return made


def test_what_is_installed_is_what_is_pinned(built):
    installed = json.loads(built.run("pip list --format json --exclude pip --exclude hmlm"))
    assert {"jax", "jupyterlab", "matplotlib"} <= {package["name"] for package in installed}
    assert [p for p in installed if PINS[p["name"].lower().replace("_", "-")] != p["version"]] == []
    built.run("pip check")


def test_the_runtime_image_starts(built):
    command = json.loads(read("Dockerfile.cpu").stages["runtime"].steps[-1].value)
    rows = [re.split(r"\s*│\s*", line.strip("│ ")) for line in built.run(command).splitlines()]
    assert ["hmlm", PROJECT["version"], "ok"] in rows


def test_the_installed_package_fits(built):
    path, estimate = built.run(["python", "-c", FIT]).split()
    assert Path(path).is_relative_to(built.root / "opt" / "hmlm")
    assert 2 < float(estimate) < 5


def test_the_notebook_server_is_there(built):
    command = json.loads(read("Dockerfile.cpu").stages["notebook"].steps[-1].value)
    assert built.run([*command[:2], "--version"]).strip() == PINS["jupyterlab"]
    assert "python3" in json.loads(built.run(["jupyter", "kernelspec", "list", "--json"]))["kernelspecs"]
    assert (built.root / "project" / "colab_melsm.ipynb").is_file()


@pytest.mark.parametrize("version", ["12", "13"])
def test_pip_would_install_the_cuda_plugins_that_are_pinned(tmp_path, version):
    made = container(tmp_path, dry=True)
    dockerfile = read("Dockerfile.cuda")
    made.build(dockerfile.lineage("builder"), {"CUDA": version})
    chosen = made.printed[-1].split("Would install ")[1].split()
    plugin = f"jax-cuda{version}-plugin"
    assert f"hmlm-{PROJECT['version']}" in chosen
    assert f"{plugin}-{PINS[plugin]}" in chosen
