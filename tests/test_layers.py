"""The shape of the source tree: who may import whom, how kernels/ is packaged, no machine's paths."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A layer may import itself and what stands to its right; layers of one column do not know each other.
COLUMNS = (
    ("cli", "simulate"),
    ("api",),
    ("results",),
    ("infer",),
    ("density",),
    ("spec",),
    ("formula",),
    ("types",),
)
RANK = {layer: rank for rank, column in enumerate(COLUMNS) for layer in column}
ALLOWED = {layer: {layer, *(other for other in RANK if RANK[other] > RANK[layer])} for layer in RANK}
ALLOWED["density"] |= {"kernels"}
ALLOWED["datasets"] = {"datasets", "types"}
ALLOWED["kernels"] = {"kernels", "types"}
for reader in ("cli", "simulate", "api"):
    ALLOWED[reader] |= {"datasets"}

# The package itself and the modules that wire it belong to the layer "api".
WIRING = ("", "__init__", "api", "factories")

SOURCE_FOLDERS = ("hmlm", "kernels", "tests", "gpu_benchmarks", "examples", "docker", "docs")
SOURCE_SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".cc", ".cpp", ".h", ".cu", ".ipynb", ""}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|tmp|root|home/\w+)/")


def layer_of(module: str) -> str:
    """Layer of a dotted module name below ``hmlm``: ``"spec.spec"`` -> ``"model"``."""
    first = module.split(".")[0]
    return "api" if first in WIRING else first


def module_name(path: Path, package: Path) -> str:
    """Dotted name below the package: ``spec/spec.py`` -> ``"spec.spec"``."""
    return ".".join(path.relative_to(package).with_suffix("").parts)


def imported(tree: ast.AST, module: str) -> Iterator[tuple[int, str]]:
    """(line, module below ``hmlm``) of every import of the package, inside functions too."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from ((node.lineno, below) for name in names for below in below_hmlm(name.name))
            case ast.ImportFrom(source, names, level):
                base = absolute(source or "", level, module)
                for name in names:
                    target = f"hmlm.{name.name}" if base == "hmlm" else base
                    yield from ((node.lineno, below) for below in below_hmlm(target))


def absolute(source: str, level: int, module: str) -> str:
    """Absolute name of what ``from <dots><source> import`` means in a module below ``hmlm``."""
    if level == 0:
        return source
    parents = ["hmlm", *module.split(".")][:-level]
    return ".".join([*parents, source] if source else parents)


def below_hmlm(name: str) -> list[str]:
    """The module below ``hmlm``, as a list of one, or nothing for other packages."""
    first, _, rest = name.partition(".")
    if first != "hmlm":
        return []
    return [rest if layer_of(rest) in ALLOWED else ""]


def violations(source: str, module: str) -> list[str]:
    """Imports that a module's layer may not have, as text."""
    layer = layer_of(module)
    return [
        f"hmlm.{module}, line {line}: '{layer}' may not import hmlm.{target}"
        for line, target in imported(ast.parse(source), module)
        if layer_of(target) not in ALLOWED[layer]
    ]


def modules() -> list[tuple[Path, str]]:
    """Every module of the package with its name; those of kernels/ by their real path."""
    package = [
        (path, module_name(path, ROOT / "hmlm"))
        for path in sorted((ROOT / "hmlm").rglob("*.py"))
        if path.relative_to(ROOT / "hmlm").parts[0] != "kernels"
    ]
    kernels = [(path, module_name(path, ROOT)) for path in sorted((ROOT / "kernels").rglob("*.py"))]
    return package + kernels


def source_files() -> Iterator[Path]:
    """Text files of the project, those at its top included."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix in SOURCE_SUFFIXES)
    yield from (ROOT / ".ci").glob("*")
    for folder in SOURCE_FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in SOURCE_SUFFIXES and "__pycache__" not in path.parts:
                yield path


def test_every_module_belongs_to_a_layer():
    assert {layer_of(name) for _, name in modules()} <= set(ALLOWED)


@pytest.mark.parametrize(("path", "name"), modules(), ids=[name for _, name in modules()])
def test_imports_point_to_the_right(path, name):
    assert violations(path.read_text(encoding="utf-8"), name) == []


@pytest.mark.parametrize(
    ("module", "source", "n"),
    [
        ("spec.spec", "from hmlm.formula import parser", 0),
        ("spec.spec", "from hmlm.density.plan import Plan", 1),
        ("spec.spec", "def f():\n    import hmlm.api", 1),
        ("spec.spec", "from hmlm import results", 1),
        ("spec.spec", "from ..results import fit", 1),
        ("spec.spec", "from .family import Family\nfrom ..types import Prior", 0),
        ("infer.nuts", "from hmlm.kernels import xla", 1),
        ("density.fast", "from hmlm.kernels import xla", 0),
        ("kernels.xla", "import hmlm.types\nfrom hmlm.kernels import oracle", 0),
        ("kernels.xla", "from hmlm.spec import Spec", 1),
        ("datasets.load", "from hmlm.types import DataError", 0),
        ("datasets.load", "import hmlm as hm", 1),
        ("cli.fit", "import hmlm as hm\nfrom hmlm import datasets", 0),
        ("cli.fit", "from hmlm.simulate import power", 1),
        ("factories", "from hmlm.api import model", 0),
        ("results.fit", "from hmlm import load_fit", 1),
        ("results.fit", "import numpy\nfrom hmlmx import api", 0),
    ],
)
def test_the_check_itself(module, source, n):
    assert len(violations(source, module)) == n


def outsiders(source: str) -> set[str]:
    """Folders of the project beside the package that a module imports."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.split(".")[0] for name in names} & {"gpu_benchmarks", "tests", "examples", "docs"}


def test_the_package_does_not_import_what_is_beside_it():
    assert outsiders("import gpu_benchmarks.table\nfrom tests import helpers") == {"gpu_benchmarks", "tests"}
    assert [name for path, name in modules() if outsiders(path.read_text(encoding="utf-8"))] == []


def test_kernels_is_the_folder_at_the_top():
    link = ROOT / "hmlm" / "kernels"
    assert link.is_symlink()
    assert Path(os.readlink(link)) == Path("../kernels")


def test_the_wheel_installs_no_bare_kernels():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"] == {"packages": ["hmlm"]}
    assert "force-include" not in build


def test_no_source_names_a_path_of_one_machine():
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in source_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert named == []
