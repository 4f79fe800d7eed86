"""Wheel, sdist and editable installs, with a compiler and without: all give a package that fits models."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hmlm.kernels.native.build import CompilerError, find_compiler

from ..nights import by_night

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("hmlm", "kernels", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")
PROGRAM = """
import numpy as np, pandas as pd, hmlm as hm
rng = np.random.default_rng(0)
table = pd.DataFrame({"y": rng.normal(size=60), "g": np.repeat(np.arange(12), 5)})
model = hm.model("y ~ 1 + (1 | g)", table)
print(hm.__file__)
print(float(model.log_density(model.log_density.initial)))
print([line for line in model.explain().splitlines() if line.startswith("kernels")][0])
"""


def has_compiler() -> bool:
    try:
        return bool(find_compiler())
    except CompilerError:
        return False


pytestmark = pytest.mark.skipif(not has_compiler(), reason="no C++ compiler here")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project without compiled kernels."""
    folder = tmp_path_factory.mktemp("source") / "hmlm"
    folder.mkdir()
    ignore = shutil.ignore_patterns("*.shared", "__pycache__")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=ignore)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def environment(compiler: bool) -> dict[str, str]:
    """With a compiler that does not optimise, which is faster; without one, ``$CXX`` names nothing."""
    own = {"CXXFLAGS": "-O0 -DHMLM_UNROLLED=1"} if compiler else {"CXX": ""}
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "CXX", "CXXFLAGS")}
    return kept | own


def python(*arguments: str, env: dict[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A run of this interpreter that has to succeed."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def pip(*arguments: str, compiler: bool) -> str:
    """What pip printed; this environment's packages build and run what is installed."""
    done = python("-m", "pip", "--disable-pip-version-check", *arguments, env=environment(compiler))
    return done.stdout + done.stderr


def run(folder: Path) -> tuple[str, float, str]:
    """File of the package, a log density, and the line on kernels, with ``folder`` first on the path."""
    env = environment(True) | {"PYTHONPATH": str(folder)}
    done = python("-c", PROGRAM, cwd=folder, env=env)
    place, value, kernels = done.stdout.splitlines()
    return place, float(value), kernels


def build(source: Path, out: Path, what: str, compiler: bool) -> Path:
    """The wheel or sdist of a source tree."""
    code = f"import hatchling.build as b; print(b.build_{what}({str(out)!r}))"
    done = python("-c", code, cwd=source, env=environment(compiler))
    return out / done.stdout.splitlines()[-1]


@pytest.mark.parametrize("compiler", by_night((True, False), False), ids=("compiler", "no compiler"))
def test_wheel_from_an_sdist(source: Path, tmp_path: Path, compiler: bool) -> None:
    sdist = build(source, tmp_path, "sdist", compiler)
    shutil.unpack_archive(sdist, tmp_path / "unpacked")
    wheel = build(next((tmp_path / "unpacked").iterdir()), tmp_path, "wheel", compiler)
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.startswith("kernels/")] == []
    assert ("hmlm/kernels/native/libhmlm_kernels.shared" in names) is compiler
    assert not [name for name in names if name.endswith((".h", ".cc"))]
    assert {"hmlm/results/report/page.html.jinja", "hmlm/results/report/page.css"} <= set(names)
    assert wheel.name.startswith("hmlm-") and ("-py3-none-any" in wheel.name) is not compiler
    pip("install", "--no-deps", "--target", str(tmp_path / "site"), str(wheel), compiler=compiler)
    place, value, kernels = run(tmp_path / "site")
    assert Path(place).is_relative_to(tmp_path / "site")
    assert kernels.startswith("kernels: native" if compiler else "kernels: xla")
    assert value == pytest.approx(run(ROOT)[1], rel=1e-10)


# With a compiler it is how `make` itself installs: at night only.
@pytest.mark.parametrize(
    "compiler",
    (pytest.param(True, marks=pytest.mark.nightly, id="compiler"), pytest.param(False, id="no compiler")),
)
def test_editable(source: Path, tmp_path: Path, compiler: bool) -> None:
    copy = shutil.copytree(source, tmp_path / "tree", symlinks=True)
    target = ("--no-deps", "--no-build-isolation", "--target", str(tmp_path / "site"))
    said = pip("install", "-v", *target, "--editable", str(copy), compiler=compiler)
    assert ("native kernels not compiled" in said) is not compiler
    assert (copy / "kernels/native/libhmlm_kernels.shared").exists() is compiler
    place, value, kernels = run(copy)
    assert Path(place).is_relative_to(copy)
    assert kernels.startswith("kernels: native" if compiler else "kernels: xla")
    assert value == pytest.approx(run(ROOT)[1], rel=1e-10)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "were not compiled when hmlm was installed"), (b"no library", "do not load (")],
    ids=("absent", "broken"),
)
def test_without_the_library_it_is_said_once(
    source: Path, tmp_path: Path, content: bytes | None, said: str
) -> None:
    copy = shutil.copytree(source, tmp_path / "tree", symlinks=True)
    if content is not None:
        (copy / "kernels/native/libhmlm_kernels.shared").write_bytes(content)
    program = "import hmlm.kernels.native.library as l; print(l.available(), l.available())"
    done = python("-c", program, cwd=copy, env=environment(True))
    assert done.stdout.split() == ["False", "False"], done.stderr
    assert done.stderr.count(f"the native kernels {said}") == 1
    assert "XLA computes instead" in done.stderr
