"""Dockerfiles as stages of steps, with the variables that each step sees."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker"
NAMES = ("Dockerfile.cpu", "Dockerfile.cuda")
TARGETS = ("runtime", "notebook")
VARIABLE = re.compile(r"\$\{?(\w+)")
FROM_FORM = re.compile(r"(?P<base>\S+) AS (?P<name>\S+)")


@dataclass(frozen=True)
class Step:
    """One instruction; ``flags`` are its leading ``--name=value``."""

    instruction: str
    flags: tuple[str, ...]
    value: str

    @property
    def words(self) -> list[str]:
        """The value split as a shell does."""
        return shlex.split(self.value)

    @property
    def used(self) -> set[str]:
        """Names of the variables in it."""
        return set(VARIABLE.findall(self.value))

    @property
    def declared(self) -> dict[str, str | None]:
        """What ARG and ENV declare: name -> value, None for an ARG without default."""
        if self.instruction not in ("ARG", "ENV"):
            return {}
        pairs = (word.partition("=") for word in self.words)
        return {name: value if equals else None for name, equals, value in pairs}


@dataclass(frozen=True)
class Stage:
    """A build stage: its name, the image or stage that it starts from, its steps without FROM."""

    name: str
    base: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Dockerfile:
    """Global ARGs with their defaults, and the stages by name in order."""

    args: dict[str, str | None]
    stages: dict[str, Stage]

    def lineage(self, target: str) -> list[Stage]:
        """The stages that a target consists of, from the image up; stages copied from are not among them."""
        stage = self.stages[target]
        below = self.lineage(stage.base) if stage.base in self.stages else []
        return [*below, stage]

    def steps(self, *instructions: str) -> Iterator[tuple[Stage, Step]]:
        """Every step of these instructions with its stage."""
        for stage in self.stages.values():
            yield from ((stage, step) for step in stage.steps if step.instruction in instructions)


def read(name: str) -> Dockerfile:
    """The Dockerfile of that name in docker/."""
    return parse((FOLDER / name).read_text(encoding="utf-8"))


def parse(text: str) -> Dockerfile:
    """A Dockerfile's text as stages."""
    steps = [_step(entry) for entry in DockerfileParser(fileobj=io.BytesIO(text.encode())).structure]
    steps = [step for step in steps if step.instruction != "COMMENT"]
    starts = [i for i, step in enumerate(steps) if step.instruction == "FROM"]
    args = {name: value for step in steps[: starts[0]] for name, value in step.declared.items()}
    spans = zip(starts, [*starts[1:], len(steps)], strict=True)
    stages = [_stage(steps[start], steps[start + 1 : end]) for start, end in spans]
    return Dockerfile(args, {stage.name: stage for stage in stages})


def _step(entry: dict[str, str]) -> Step:
    leading = re.match(r"((?:--\S+\s+)*)(.*)", entry["value"], re.DOTALL)
    return Step(entry["instruction"], tuple(leading[1].split()), leading[2])


def _stage(first: Step, rest: list[Step]) -> Stage:
    found = FROM_FORM.fullmatch(first.value)
    assert found, f"FROM {first.value}: every stage has a name"
    return Stage(found["name"], found["base"], tuple(rest))
