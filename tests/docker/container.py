"""A folder that stands for an image's root, where COPY, ENV, WORKDIR and pip's RUN lines are carried out."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import string
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .dockerfile import ROOT, Stage, Step

RUNNABLE = ("pip", "python")
SYSTEM = ("case", "apt-get", "useradd")
FOLDERS = re.compile(r"(?<![\w./-])/(?=(?:opt|src|project|var)\b)")
UNWANTED = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME", "PYENV_VERSION")


@dataclass
class Container:
    """What a build has come to.

    Attributes:
        root: the folder that stands for ``/``.
        python: the interpreter that the base image would have.
        ignored: patterns of .dockerignore.
        dry: whether pip resolves only.
        variables: ARG and ENV so far, with the surroundings that pip needs.
        folder: the working folder.
        printed: what each RUN printed.
    """

    root: Path
    python: Path
    ignored: Sequence[str]
    dry: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    folder: Path = field(init=False)
    printed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.root
        kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        self.variables |= kept | {"PATH": f"{self.python.parent}:{os.defpath}"}

    def build(self, stages: Sequence[Stage], args: Mapping[str, str | None]) -> None:
        """Carry out every step of these stages, all in this one root."""
        for stage in stages:
            for step in stage.steps:
                self._carry_out(step, args)

    def run(self, command: str | Sequence[str], *, check: bool = True) -> str:
        """What a command prints on standard output; its errors are shown where it fails."""
        shell = isinstance(command, str)
        done = subprocess.run(
            command, shell=shell, cwd=self.folder, env=self.variables, capture_output=True, text=True
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _carry_out(self, step: Step, args: Mapping[str, str | None]) -> None:
        match step.instruction:
            case "ARG":
                for name, value in step.declared.items():
                    self.variables[name] = args.get(name) or value or ""
            case "ENV":
                self._set(step)
            case "WORKDIR":
                self.folder = self._inside(step.value)
                self.folder.mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(step)
            case "RUN":
                self._run(step)

    def _set(self, step: Step) -> None:
        for name, value in step.declared.items():
            if name != "PIP_CACHE_DIR":  # a cache mount there; here pip's own cache serves
                mapped = FOLDERS.sub(f"{self.root}/", value or "")
                self.variables[name] = string.Template(mapped).substitute(self.variables)

    def _run(self, step: Step) -> None:
        program = step.words[0]
        assert program in (*RUNNABLE, *SYSTEM), f"what is to be done with RUN {step.value}?"
        if program in RUNNABLE:
            command = FOLDERS.sub(f"{self.root}/", step.value)
            self.printed.append(self.run(command.replace("pip install", self._pip_install)))

    @property
    def _pip_install(self) -> str:
        return "pip install --dry-run" if self.dry else "pip install"

    def _copy(self, step: Step) -> None:
        *sources, target = step.words
        if any(flag.startswith("--from=") for flag in step.flags):
            assert sources == [target], "stages share one root here: copy to where it was"
            return
        for source in sources:
            self._copy_one(ROOT / source, self._inside(target))

    def _copy_one(self, source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=self._ignored)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)

    def _inside(self, path: str) -> Path:
        return self.root / path.lstrip("/") if path.startswith("/") else self.folder / path

    def _ignored(self, folder: str, names: Sequence[str]) -> set[str]:
        deep = [pattern.removeprefix("**/") for pattern in self.ignored if pattern.startswith("**/")]
        patterns = [*self.ignored, *deep] if Path(folder) == ROOT else deep
        return {name for name in names for pattern in patterns if fnmatch.fnmatch(name, pattern)}
