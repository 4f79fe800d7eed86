"""The Dockerfiles, read without a Docker engine: pinned, non-root, complete, in line with pyproject.toml."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import tomllib

import pytest

from .dockerfile import NAMES, ROOT, TARGETS, parse, read

PINNED = re.compile(r"python:\d+\.\d+\.\d+-slim-[a-z]+")
IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

SMALL = """ARG V=1
FROM python:3.13.0-slim-bookworm AS base
ENV A=1 \\
    B="two words"
FROM base AS top
ARG V
RUN --mount=type=cache,target=/x pip install ".[a${V}]" \\
    && true
"""


@pytest.fixture(params=NAMES)
def dockerfile(request):
    return read(request.param)


def test_the_parser_itself():
    small = parse(SMALL)
    assert small.args == {"V": "1"}
    assert [stage.name for stage in small.lineage("top")] == ["base", "top"]
    assert small.stages["base"].steps[0].declared == {"A": "1", "B": "two words"}
    run = small.stages["top"].steps[1]
    assert (run.flags, run.used) == (("--mount=type=cache,target=/x",), {"V"})
    assert run.words[:3] == ["pip", "install", ".[a${V}]"]


def test_it_starts_from_one_pinned_slim_image(dockerfile):
    images = {stage.base for stage in dockerfile.stages.values()} - set(dockerfile.stages)
    assert len(images) == 1
    assert PINNED.fullmatch(images.pop())


def test_both_start_from_the_same_image():
    assert len({read(name).stages["base"].base for name in NAMES}) == 1


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_ends_as_a_user_that_it_made(dockerfile, target):
    steps = [step for stage in dockerfile.lineage(target) for step in stage.steps]
    user = [step.value for step in steps if step.instruction == "USER"][-1]
    assert user not in ("root", "0")
    assert any("useradd" in step.value and user in step.words for step in steps if step.instruction == "RUN")


@pytest.mark.parametrize("target", TARGETS)
def test_no_compiler_reaches_a_target(dockerfile, target):
    assert "g++" in " ".join(step.value for step in dockerfile.stages["builder"].steps)
    runs = [step for stage in dockerfile.lineage(target) for step in stage.steps if step.instruction == "RUN"]
    assert not [step for step in runs if "apt-get" in step.value or "g++" in step.value]


def test_what_is_copied_exists_and_is_not_ignored(dockerfile):
    sources = [
        source
        for _, step in dockerfile.steps("COPY", "ADD")
        if not any(flag.startswith("--from=") for flag in step.flags)
        for source in step.words[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not any(fnmatch.fnmatch(source.split("/")[0], pattern) for pattern in IGNORED), source


def test_what_is_copied_from_a_stage_was_made_before(dockerfile):
    earlier = list(dockerfile.stages)
    for stage, step in dockerfile.steps("COPY"):
        for flag in step.flags:
            if flag.startswith("--from="):
                assert flag.removeprefix("--from=") in earlier[: earlier.index(stage.name)]


@pytest.mark.parametrize("target", ("builder", *TARGETS))
def test_variables_are_declared_before_they_are_used(dockerfile, target):
    known = {"PATH"}
    for stage in dockerfile.lineage(target):
        for step in stage.steps:
            assert step.used <= known, f"{stage.name}: {step.instruction} {step.value}"
            known |= set(step.declared)
            for name, value in step.declared.items():
                assert value is not None or name in dockerfile.args, f"ARG {name} has no value anywhere"


@pytest.mark.parametrize(
    ("name", "version", "extras"),
    [("Dockerfile.cpu", None, set()), *(("Dockerfile.cuda", v, {f"cuda{v}"}) for v in ("12", "13"))],
)
def test_the_extras_that_it_installs_exist(name, version, extras):
    steps = [step for _, step in read(name).steps("RUN") if step.words[:2] == ["pip", "install"]]
    own = [word.replace("${CUDA}", version or "") for step in steps for word in step.words if word[0] == "."]
    named = {extra for word in own for extra in re.findall(r"\[(.*)\]", word)}
    assert len(own) == 1
    assert named == extras <= set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize(("version", "accepted"), [("12", True), ("13", True), ("11", False), ("", False)])
def test_another_cuda_version_is_refused(version, accepted):
    (guard,) = [step for _, step in read("Dockerfile.cuda").steps("RUN") if step.value.startswith("case")]
    done = subprocess.run(["sh", "-c", guard.value], env={"CUDA": version}, capture_output=True, check=False)
    assert (done.returncode == 0) is accepted
    assert accepted or b"there are 12 and 13" in done.stderr


def test_the_notebook_server_is_the_same_on_both():
    cpu, cuda = (read(name).stages["notebook"] for name in NAMES)
    assert cpu == cuda


@pytest.mark.parametrize("pattern", IGNORED)
def test_the_package_is_not_ignored(pattern):
    needed = ["pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], "hmlm", "kernels", "docker"]
    assert not [name for name in needed if fnmatch.fnmatch(name, pattern.removeprefix("**/"))]
